import {
  acpTokens,
  arrayField,
  isJsonObject,
  modelFailure,
  objectField,
  stringField,
  type AcpToolCall,
  type AcpToolFacts,
  type JsonObject,
  type LaunchInput,
  type TurnErrorInfo,
  type Usage,
} from "../../../src/kit.ts";
import { keys, npmCli, type AcpPreset, type AcpStart } from "./preset.ts";

export const copilot: AcpPreset = {
  product: "GitHub Copilot",
  cli: npmCli("copilot", "@github/copilot", "1.0.102", [
    "@github/copilot-linux-x64/copilot",
    "@github/copilot-linux-arm64/copilot",
    "@github/copilot-darwin-arm64/copilot",
    "@github/copilot-darwin-x64/copilot",
  ]),
  args: ["--acp"],
  env: { COPILOT_AUTO_UPDATE: "false" },
  start,
  credentials: keys("COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"),
  profile: {
    usage: { covers: "process", fromResult: (result) => acpTokens(objectField(result, "usage")) },
    readUpdate,
    failureInText,
    describeTool,
  },
  // With a provider of one's own, which is all that could be tried, it lets no model be chosen.
  capabilities: { setModel: false, models: "none" },
};

/** By the protocol it takes servers by HTTP alone, and turns the others away without a word. */
function start({ stateDirectory, sessionId, mcpServers }: LaunchInput): AcpStart {
  const servers = Object.entries(mcpServers).flatMap(([name, server]) =>
    server.type === "stdio" ? [[name, { args: [], ...server, tools: ["*"] }] as const] : [],
  );
  if (servers.length === 0) return {};
  const path = `${stateDirectory}/sessions/${sessionId}/mcp.json`;
  return {
    args: [`--additional-mcp-config=@${path}`],
    files: [{ path, content: JSON.stringify({ mcpServers: Object.fromEntries(servers) }) }],
  };
}

/** It entitles a command with the model's description of it. */
function describeTool({ kind, fields }: AcpToolCall): Partial<AcpToolFacts> | undefined {
  const command = stringField(fields["rawInput"], "command");
  return kind === "execute" && command !== undefined ? { title: command } : undefined;
}

const notices =
  /^(Info|Warning): (\/.*|.*Retrying\.\.\.|Operation cancelled by user|\d+ tool call\(s\) had no recorded result.*)$/s;

/** What is no word of the model's, Copilot says in its name all the same, each in a chunk of its own. */
function readUpdate(update: JsonObject): JsonObject {
  if (update["sessionUpdate"] === "tool_call_update") return readOutput(update);
  const text = stringField(objectField(update, "content"), "text") ?? "";
  if (update["sessionUpdate"] !== "agent_message_chunk") return update;
  const told = notices.exec(text);
  if (told !== null) {
    const [, word, title = text] = told;
    const severity = word === "Warning" || title.endsWith("Retrying...") ? "warning" : "info";
    return { sessionUpdate: "notice", severity, title };
  }
  return text.startsWith("Error: ") ? { ...update, messageId: "error" } : update;
}

/** Behind what a command printed stands, for the model, how it ended: that is told beside it. */
function readOutput(update: JsonObject): JsonObject {
  const content = arrayField(update, "content").map((item) => {
    const block = objectField(item, "content");
    const text = stringField(block, "text");
    if (!isJsonObject(item) || text === undefined) return item;
    const output = text.replace(/\n?<shellId: \S+ completed with exit code -?\d+>\s*$/, "");
    return { ...item, content: { ...block, text: output } };
  });
  return content.length === 0 ? update : { ...update, content };
}

/** A turn that failed ends like another; but then the model has said nothing, or the error is one of Copilot's own. */
function failureInText(
  text: string,
  _result: JsonObject,
  usage: Usage | undefined,
): TurnErrorInfo | undefined {
  if (!text.startsWith("Error: ")) return undefined;
  const said = text.slice("Error: ".length);
  const isOwn = /^(?:Failed to get response from the AI model|Authentication failed with provider)/.test(
    said,
  );
  const isUnused = (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0) === 0;
  return isOwn || isUnused ? modelFailure(said.replace(/^.* Last error: /s, "")) : undefined;
}
