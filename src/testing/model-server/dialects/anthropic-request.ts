import type { IncomingHttpHeaders } from "node:http";
import {
  arrayField,
  booleanField,
  isJsonObject,
  numberField,
  objectField,
  stringField,
} from "../../../kit/json.ts";
import type { JsonObject } from "../../../spec/json.ts";
import {
  type ConversationEntry,
  findCwd,
  type ModelRequest,
  type OfferedTool,
  readConversation,
  requestKey,
  type SideRequest,
  steeredText,
} from "../model-request.ts";
import { isCompactionPrompt } from "../side-request.ts";

export function readMessagesRequest(body: JsonObject, headers: IncomingHttpHeaders): ModelRequest {
  const conversation = readConversation(readEntries(body));
  const model = stringField(body, "model") ?? "unknown";
  const tools = arrayField(body, "tools").flatMap(readTool);
  const side = sideRequest(body, tools, conversation.prompt);
  const cwd = findCwd(systemTexts(body));
  const outputSchema = objectField(objectField(body, "output_config"), "format");
  return {
    dialect: "anthropic-messages",
    model,
    stream: booleanField(body, "stream") ?? false,
    ...conversation,
    tools,
    ...(cwd === undefined ? {} : { cwd }),
    ...(Object.keys(outputSchema).length === 0 ? {} : { outputSchema }),
    ...(side === undefined ? {} : { side }),
    key: requestKey([
      headers["x-claude-code-session-id"],
      model,
      tools.length > 0,
      conversation.prompts,
      conversation.toolResults,
    ]),
    body,
  };
}

function* readEntries(body: JsonObject): Iterable<ConversationEntry> {
  for (const message of arrayField(body, "messages")) {
    const role = stringField(message, "role");
    for (const block of contentBlocks(objectMember(message, "content"))) {
      const text = stringField(block, "text");
      const callId = stringField(block, "tool_use_id");
      // A steering message comes with the role of the system, or behind the result of a tool, as the model would have it.
      if (text !== undefined && (role === "user" || steeredText(text) !== undefined))
        yield { type: "user", text };
      if (callId === undefined) continue;
      yield { type: "tool-result", callId };
      for (const inner of contentBlocks(objectMember(block, "content"))) {
        const steering = steeredText(stringField(inner, "text") ?? "");
        if (steering !== undefined) yield { type: "user", text: steering };
      }
    }
  }
}

/** Content is a text or a list of blocks; a text counts as one block. */
function contentBlocks(content: unknown): readonly unknown[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content : [];
}

function readTool(tool: unknown): OfferedTool[] {
  const name = stringField(tool, "name");
  if (name === undefined) return [];
  return [
    {
      name,
      kind: "function",
      description: stringField(tool, "description") ?? "",
      parameters: objectField(objectField(tool, "input_schema"), "properties"),
    },
  ];
}

function sideRequest(
  body: JsonObject,
  tools: readonly OfferedTool[],
  prompt: string,
): SideRequest | undefined {
  if (numberField(body, "max_tokens") === 1) return "probe";
  if (isCompactionPrompt(prompt)) return "compaction";
  const asksTitle = systemTexts(body).some((text) => /\btitle\b/i.test(text));
  return tools.length === 0 && asksTitle ? "title" : undefined;
}

/** What stands in the instructions, and in the messages beside them. */
function systemTexts(body: JsonObject): readonly string[] {
  const contents = [
    body["system"],
    ...arrayField(body, "messages").map((message) => objectMember(message, "content")),
  ];
  return contents.flatMap(contentBlocks).flatMap((block) => stringField(block, "text") ?? []);
}

function objectMember(value: unknown, name: string): unknown {
  return isJsonObject(value) ? value[name] : undefined;
}
