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
  isCompactionPrompt,
  type ModelRequest,
  type OfferedTool,
  readConversation,
  requestKey,
  type SideRequest,
} from "../model-request.ts";

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
    if (stringField(message, "role") !== "user") continue;
    const text = stringField(message, "content");
    if (text !== undefined) yield { type: "user", text };
    for (const block of arrayField(message, "content")) {
      const blockText = stringField(block, "text");
      const callId = stringField(block, "tool_use_id");
      if (blockText !== undefined) yield { type: "user", text: blockText };
      else if (callId !== undefined) yield { type: "tool-result", callId };
    }
  }
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

function systemTexts(body: JsonObject): readonly string[] {
  const texts = (content: unknown): string[] => {
    if (typeof content === "string") return [content];
    if (!Array.isArray(content)) return [];
    return content.flatMap((block) => stringField(block, "text") ?? []);
  };
  const messages = arrayField(body, "messages").filter(isJsonObject);
  return [body["system"], ...messages.map((message) => message["content"])].flatMap(texts);
}
