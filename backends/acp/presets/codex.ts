import {
  modelFailure,
  objectField,
  stringField,
  type AcpToolCall,
  type AcpToolFacts,
  type JsonObject,
  type TurnErrorInfo,
} from "../../../src/kit.ts";
import { keys, npmCli, type AcpPreset } from "./preset.ts";

/** Codex, by an adapter that the makers of the protocol maintain. */
export const codex: AcpPreset = {
  product: "Codex",
  cli: npmCli("codex-acp", "@agentclientprotocol/codex-acp", "2.6.0"),
  args: [],
  credentials: keys("CODEX_API_KEY", "OPENAI_API_KEY"),
  profile: {
    authMethods: ["api-key"],
    authRemedy: "Set CODEX_API_KEY or OPENAI_API_KEY.",
    // In its own mode the model reviews what the host has allowed long since.
    sessionMode: ({ permissions, agentMode }) =>
      agentMode ?? (permissions === "allow-all" ? "agent-full-access" : undefined),
    readUpdate,
    describeTool,
    failureInText,
    // It tells who is logged in.
    extension: (method) => (method === "_auth/status_update" ? [] : undefined),
  },
};

/** Calls of MCP servers' tools it takes for commands. */
function describeTool({ fields }: AcpToolCall): Partial<AcpToolFacts> | undefined {
  const call = objectField(fields, "rawInput");
  const [server, tool] = [stringField(call, "server"), stringField(call, "tool")];
  if (objectField(fields, "_meta")["is_mcp_tool_call"] !== true || server === undefined || tool === undefined)
    return undefined;
  return { kind: "mcp", name: `mcp__${server}__${tool}`, input: objectField(call, "arguments") };
}

/** What is no word of the model's it says in the model's name, each in a chunk of its own that ends with an empty line. */
function readUpdate(update: JsonObject): JsonObject {
  const text = stringField(objectField(update, "content"), "text") ?? "";
  if (update["sessionUpdate"] !== "agent_message_chunk" || !text.endsWith("\n\n")) return update;
  const warning = /^Warning: (.*)\n\n$/s.exec(text)?.[1];
  if (warning !== undefined) return { sessionUpdate: "notice", severity: "warning", title: warning };
  return knownWords.test(text) ? { ...update, messageId: "error" } : update;
}

const knownWords =
  /^(?:exceeded retry limit|unexpected status|stream disconnected|error sending request|We.re currently experiencing high demand)/;

/** An error of the model's API is such a chunk; where the model was not heard at all, whatever its words are. */
function failureInText(text: string, result: JsonObject): TurnErrorInfo | undefined {
  const message = text.trim();
  if (!text.endsWith("\n\n") || !(result["usage"] === null || knownWords.test(message))) return undefined;
  if (!message.includes("experiencing high demand")) return modelFailure(message);
  // This is what it makes of a status of 500.
  return { ...modelFailure(message, 500), message };
}
