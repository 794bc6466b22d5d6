import type { IncomingHttpHeaders } from "node:http";
import { arrayField, booleanField, isJsonObject, objectField, stringField } from "../../../kit/json.ts";
import type { JsonObject } from "../../../spec/json.ts";
import {
  type ConversationEntry,
  findCwd,
  type ModelRequest,
  type OfferedTool,
  readConversation,
  requestKey,
} from "../model-request.ts";
import { sideRequestOf } from "../side-request.ts";

const asked = /\/models\/([^/:]+):(generateContent|streamGenerateContent)$/;

export function asksForContent(path: string): boolean {
  return asked.test(path);
}

export function readContentRequest(
  body: JsonObject,
  _headers: IncomingHttpHeaders,
  path: string,
): ModelRequest {
  const [, model = "unknown", method] = asked.exec(path) ?? [];
  const conversation = readConversation(readEntries(body));
  const tools = arrayField(body, "tools").flatMap((group) =>
    arrayField(group, "functionDeclarations").flatMap(readTool),
  );
  const instructions = partTexts(objectField(body, "systemInstruction"));
  const contents = arrayField(body, "contents").flatMap(partTexts);
  const cwd = findCwd([...instructions, ...contents]);
  const outputSchema = readSchema(objectField(body, "generationConfig"));
  const side = sideRequestOf({ instructions, prompt: conversation.prompt, tools });
  return {
    dialect: "gemini",
    model,
    stream: method === "streamGenerateContent",
    ...conversation,
    tools,
    ...(cwd === undefined ? {} : { cwd }),
    ...(outputSchema === undefined ? {} : { outputSchema }),
    ...(side === undefined ? {} : { side }),
    key: requestKey([model, tools.length > 0, conversation.prompts, conversation.toolResults]),
    body,
  };
}

function* readEntries(body: JsonObject): Iterable<ConversationEntry> {
  let results = 0;
  for (const content of arrayField(body, "contents")) {
    if ((stringField(content, "role") ?? "user") === "model") continue;
    for (const part of arrayField(content, "parts")) {
      const text = stringField(part, "text");
      if (text !== undefined && booleanField(part, "thought") !== true) yield { type: "user", text };
      if (!isJsonObject(part) || !isJsonObject(part["functionResponse"])) continue;
      // A result need not say which call it answers: without an id its name and the order of the calls tell.
      results += 1;
      yield { type: "tool-result", callId: stringField(part["functionResponse"], "id") ?? String(results) };
    }
  }
}

function partTexts(content: unknown): readonly string[] {
  return arrayField(content, "parts").flatMap((part) => stringField(part, "text") ?? []);
}

function readTool(declaration: unknown): OfferedTool[] {
  const name = stringField(declaration, "name");
  if (name === undefined) return [];
  // The parameters come as a JSON schema, or in the API's own form of one.
  const schema = {
    ...objectField(declaration, "parameters"),
    ...objectField(declaration, "parametersJsonSchema"),
  };
  return [
    {
      name,
      kind: "function",
      description: stringField(declaration, "description") ?? "",
      parameters: objectField(schema, "properties"),
    },
  ];
}

function readSchema(config: JsonObject): JsonObject | undefined {
  return ["responseJsonSchema", "responseSchema"]
    .map((name) => objectField(config, name))
    .find((schema) => Object.keys(schema).length > 0);
}
