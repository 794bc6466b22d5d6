import {
  arrayField,
  isJsonObject,
  numberField,
  objectField,
  parseJson,
  stringField,
  type AcpTokens,
  type AcpToolCall,
  type AcpToolFacts,
  type JsonObject,
  type LaunchInput,
} from "../../../src/kit.ts";
import { keys, npmCli, type AcpPreset, type AcpStart } from "./preset.ts";

export const gemini: AcpPreset = {
  product: "Gemini CLI",
  cli: { ...npmCli("gemini", "@google/gemini-cli", "0.61.0"), nodeMajor: 20 },
  args: ["--acp"],
  // The launcher that the CLI otherwise puts before itself passes no signals on.
  env: { GEMINI_CLI_NO_RELAUNCH: "1", GEMINI_CLI_TRUST_WORKSPACE: "true", NO_BROWSER: "1" },
  start,
  credentials: keys("GEMINI_API_KEY"),
  profile: {
    authMethods: ["gemini-api-key"],
    authRemedy: "Set GEMINI_API_KEY.",
    usage: { covers: "turn", fromResult: turnTokens },
    wholeThoughts: true,
    readUpdate,
    describeTool,
  },
};

/** The settings where the user has none. */
const defaults = {
  general: {
    // The CLI's own default tries for four minutes where requests are refused.
    maxAttempts: 3,
    // The CLI would remove sessions that are to be taken up again.
    sessionRetention: { enabled: false },
  },
  // An interactive shell gives no output.
  tools: { shell: { enableInteractiveShell: false } },
};

/**
 * Becomes the CLI. Its arguments: a file of settings, the first letters of the session to take up (or nothing), then the
 * CLI with its arguments. The CLI's own settings for such defaults are read only where a superuser has written them.
 */
export const startScript = `home="\${GEMINI_CLI_HOME:-$HOME}/.gemini"
[ -e "$home/settings.json" ] || { mkdir -p "$home" && cp "$1" "$home/settings.json"; }

# A session that is loaded in the minute of its file's name is overwritten first: the name is given another minute.
if [ -n "$2" ]; then
  for file in "$home"/tmp/*/chats/session-*-"$2".jsonl; do
    kept="\${file%/*}/session-2000-01-01T00-00-$2.jsonl"
    [ ! -e "$file" ] || [ -e "$kept" ] || mv "$file" "$kept"
  done
fi
shift 2
exec "$@"`;

function start({ stateDirectory, sessionId, resume }: LaunchInput): AcpStart {
  const path = `${stateDirectory}/sessions/${sessionId}/gemini-settings.json`;
  return {
    prefix: ["sh", "-c", startScript, "sh", path, resume?.nativeSessionId.slice(0, 8) ?? ""],
    files: [{ path, content: JSON.stringify(defaults) }],
  };
}

function turnTokens(result: JsonObject): AcpTokens | undefined {
  const count = objectField(objectField(objectField(result, "_meta"), "quota"), "token_count");
  const inputTokens = numberField(count, "input_tokens");
  const outputTokens = numberField(count, "output_tokens");
  return inputTokens === undefined || outputTokens === undefined ? undefined : { inputTokens, outputTokens };
}

/** A thought has a heading, which may be empty. */
function readUpdate(update: JsonObject): JsonObject {
  const text = stringField(objectField(update, "content"), "text");
  if (update["sessionUpdate"] !== "agent_thought_chunk" || text === undefined) return update;
  return { ...update, content: { type: "text", text: text.replace(/^\*{4}\n/, "") } };
}

/** The tool's name stands before the id of the call; its input is only shown. */
function describeTool({ toolCallId, kind, title, fields }: AcpToolCall): Partial<AcpToolFacts> | undefined {
  const name = toolCallId.slice(0, Math.max(0, toolCallId.lastIndexOf("__")));
  if (name === "") return undefined;
  if (kind === "execute" && title !== undefined) return { name, input: { command: title } };
  if (!name.startsWith("mcp_")) return { name };
  const shown = arrayField(fields, "content")
    .map((item) => parseJson(stringField(objectField(item, "content"), "text") ?? ""))
    .find((value) => isJsonObject(value));
  return { name, kind: "mcp", ...(shown === undefined ? {} : { input: shown }) };
}
