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
import { isSummary } from "../scenarios.ts";
import { sideRequestOf } from "../side-request.ts";

export function readChatRequest(body: JsonObject, _headers: IncomingHttpHeaders): ModelRequest {
  const conversation = readConversation(readEntries(body));
  const model = stringField(body, "model") ?? "unknown";
  const texts = arrayField(body, "messages").flatMap(messageTexts);
  const tools = [...arrayField(body, "tools").flatMap(readTool), ...texts.flatMap(deferredTools)];
  const instructions = arrayField(body, "messages").filter(isInstruction).flatMap(messageTexts);
  const cwd = findCwd(texts);
  const format = objectField(body, "response_format");
  const side = sideRequestOf({ instructions, prompt: conversation.prompt, tools });
  return {
    dialect: "openai-chat-completions",
    model,
    stream: booleanField(body, "stream") ?? false,
    ...conversation,
    tools,
    ...(cwd === undefined ? {} : { cwd }),
    ...(stringField(format, "type") === "json_schema" ? { outputSchema: format } : {}),
    ...(side === undefined ? {} : { side }),
    key: requestKey([model, tools.length > 0, conversation.prompts, conversation.toolResults]),
    body,
  };
}

function* readEntries(body: JsonObject): Iterable<ConversationEntry> {
  for (const message of arrayField(body, "messages")) {
    const role = stringField(message, "role");
    const callId = stringField(message, "tool_call_id");
    if (role === "user") {
      for (const text of messageTexts(message)) yield { type: "user", text };
    } else if (role === "assistant") {
      // OpenCode leaves a summary where the model said it, and takes off what was before.
      for (const text of messageTexts(message)) if (isSummary(text)) yield { type: "user", text };
    } else if (role === "tool" && callId !== undefined) {
      yield { type: "tool-result", callId };
    }
  }
}

function isInstruction(message: unknown): boolean {
  const role = stringField(message, "role");
  return role === "system" || role === "developer";
}

/** Content is a text or a list of parts. */
function messageTexts(message: unknown): readonly string[] {
  const text = stringField(message, "content");
  if (text !== undefined) return [text];
  return arrayField(message, "content").flatMap((part) => stringField(part, "text") ?? []);
}

function readTool(tool: unknown): OfferedTool[] {
  const kind = stringField(tool, "type") === "custom" ? "custom" : "function";
  const definition = objectField(tool, kind);
  const name = stringField(definition, "name");
  if (name === undefined) return [];
  return [
    {
      name,
      kind,
      description: stringField(definition, "description") ?? "",
      parameters: objectField(objectField(definition, "parameters"), "properties"),
    },
  ];
}

/** Droid names the tools of MCP servers, and shows them once they were looked up; yet it takes a call without that. */
function deferredTools(text: string): OfferedTool[] {
  const [, names = ""] = /^Deferred tools:\n((?:[\w-]+\n)+)/m.exec(text) ?? [];
  return (names.match(/[\w-]+/g) ?? []).map((name) => ({
    name,
    kind: "function",
    description: "",
    parameters: {},
  }));
}
