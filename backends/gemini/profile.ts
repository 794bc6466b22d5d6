import {
  arrayField,
  isJsonObject,
  numberField,
  objectField,
  parseJson,
  stringField,
  type AcpProfile,
  type AcpTokens,
  type AcpToolCall,
  type AcpToolFacts,
  type JsonObject,
} from "../../src/kit.ts";
import { namedFailure } from "./failures.ts";
import { commandEnd, toolKind, toolNameOf } from "./tools.ts";

/** What is peculiar to `gemini --acp`. */
export const geminiProfile: AcpProfile = {
  agent: "gemini",
  product: "Gemini CLI",
  authRemedy: "Set GEMINI_API_KEY, or the variables of Vertex AI.",
  modelBy: "launch",
  thinkingBy: "launch",
  usage: [{ covers: "turn", fromResult: turnTokens }],
  readUpdate,
  wholeThoughts: true,
  describeTool,
  failureOf: ({ message }) => namedFailure(message),
};

function turnTokens(result: JsonObject): AcpTokens | undefined {
  const count = objectField(objectField(objectField(result, "_meta"), "quota"), "token_count");
  const inputTokens = numberField(count, "input_tokens");
  const outputTokens = numberField(count, "output_tokens");
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  return { inputTokens, outputTokens };
}

function readUpdate(update: JsonObject): JsonObject {
  if (update["sessionUpdate"] === "tool_call_update") return readCommand(update);
  const text = stringField(objectField(update, "content"), "text");
  if (text === undefined) return update;
  switch (update["sessionUpdate"]) {
    case "agent_message_chunk": {
      const mode = /^\[MODE_UPDATE\] (\w+)$/.exec(text)?.[1];
      return mode === undefined ? update : { sessionUpdate: "current_mode_update", currentModeId: mode };
    }
    case "agent_thought_chunk":
      // A thought has a heading, which may be empty.
      return { ...update, content: { type: "text", text: text.replace(/^\*{4}\n/, "") } };
    default:
      return update;
  }
}

/** A command that failed is told like one that did not. */
function readCommand(update: JsonObject): JsonObject {
  if (update["status"] !== "completed" || update["kind"] !== "execute") return update;
  const [item] = arrayField(update, "content");
  const { isOk, exitCode } = commandEnd(stringField(objectField(item, "content"), "text"));
  if (isOk) return update;
  return { ...update, status: "failed", ...(exitCode === undefined ? {} : { rawOutput: { exitCode } }) };
}

function describeTool({ toolCallId, kind, title, fields }: AcpToolCall): Partial<AcpToolFacts> | undefined {
  const name = toolNameOf(toolCallId);
  if (name === undefined) return undefined;
  const known = toolKind(name);
  const input = inputOf(name, kind, title, fields);
  return {
    name,
    ...(known === undefined ? {} : { kind: known }),
    ...(input === undefined ? {} : { input }),
  };
}

/** No message holds the input itself: this is what of it is shown. */
function inputOf(
  name: string,
  kind: string | undefined,
  title: string | undefined,
  fields: JsonObject,
): JsonObject | undefined {
  if (name === "run_shell_command" && kind === "execute" && title !== undefined) return { command: title };
  if (!name.startsWith("mcp_")) return undefined;
  for (const item of arrayField(fields, "content")) {
    const shown = parseJson(stringField(objectField(item, "content"), "text") ?? "");
    if (isJsonObject(shown)) return shown;
  }
  return undefined;
}
