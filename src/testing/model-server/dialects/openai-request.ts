import type { IncomingHttpHeaders } from "node:http";
import { arrayField, booleanField, objectField, stringField } from "../../../kit/json.ts";
import type { JsonObject } from "../../../spec/json.ts";
import {
  type ConversationEntry,
  findCwd,
  type ModelRequest,
  type OfferedTool,
  readConversation,
  requestKey,
} from "../model-request.ts";
import { isCompactionPrompt } from "../side-request.ts";

export function readResponsesRequest(body: JsonObject, headers: IncomingHttpHeaders): ModelRequest {
  const conversation = readConversation(readEntries(body));
  const model = stringField(body, "model") ?? "unknown";
  const cwd = findCwd(inputItems(body).flatMap(itemTexts));
  const tools = [
    ...arrayField(body, "tools"),
    ...inputItems(body).flatMap((item) => arrayField(item, "tools")),
  ];
  const outputSchema = objectField(objectField(body, "text"), "format");
  return {
    dialect: "openai-responses",
    model,
    stream: booleanField(body, "stream") ?? false,
    ...conversation,
    tools: tools.flatMap((tool) => readTool(tool)),
    ...(cwd === undefined ? {} : { cwd }),
    ...(stringField(outputSchema, "type") === "json_schema" ? { outputSchema } : {}),
    ...(isCompactionPrompt(conversation.prompt) ? { side: "compaction" } : {}),
    key: requestKey([
      headers["session-id"] ?? stringField(body, "prompt_cache_key"),
      model,
      conversation.prompts,
      conversation.toolResults,
    ]),
    body,
  };
}

function inputItems(body: JsonObject): readonly unknown[] {
  const text = stringField(body, "input");
  return text === undefined ? arrayField(body, "input") : [{ role: "user", content: text }];
}

function* readEntries(body: JsonObject): Iterable<ConversationEntry> {
  for (const item of inputItems(body)) {
    const callId = stringField(item, "call_id");
    const type = stringField(item, "type") ?? "message";
    if (type === "message" && stringField(item, "role") === "user") {
      for (const text of itemTexts(item)) yield { type: "user", text };
    } else if (type.endsWith("_output") && callId !== undefined) {
      yield { type: "tool-result", callId };
    }
  }
}

function itemTexts(item: unknown): readonly string[] {
  const text = stringField(item, "content");
  if (text !== undefined) return [text];
  return arrayField(item, "content").flatMap((part) => stringField(part, "text") ?? []);
}

function readTool(tool: unknown, namespace?: string): OfferedTool[] {
  const name = stringField(tool, "name");
  const type = stringField(tool, "type");
  if (name === undefined) return [];
  if (type === "namespace") return arrayField(tool, "tools").flatMap((inner) => readTool(inner, name));
  return [
    {
      name,
      kind: type === "custom" ? "custom" : "function",
      ...(namespace === undefined ? {} : { namespace }),
      description: stringField(tool, "description") ?? "",
      parameters: objectField(objectField(tool, "parameters"), "properties"),
    },
  ];
}
