import {
  arrayField,
  isJsonObject,
  objectField,
  parseJson,
  stringField,
  type AcpToolCall,
  type AcpToolFacts,
  type JsonObject,
  type LaunchInput,
} from "../../../src/kit.ts";
import { npmCli, type AcpPreset, type AcpStart } from "./preset.ts";

export const qwen: AcpPreset = {
  product: "Qwen Code",
  cli: { ...npmCli("qwen", "@qwen-code/qwen-code", "0.15.10"), nodeMajor: 20 },
  args: ["--acp"],
  // It would start itself once more to get more memory; the second process outlives the first one.
  env: { QWEN_CODE_NO_RELAUNCH: "1" },
  start,
  credentials: {
    ...{ anyOf: [], secret: ["OPENAI_API_KEY"] },
    forwarded: ["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"],
  },
  profile: {
    authMethods: ["openai"],
    authRemedy: "Set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL.",
    // It declares session/resume, and does not know it.
    resumeBy: "load",
    // And of a session that it does not have it makes a new one by the same id.
    showsLoadByHistory: true,
    // It says less of a call that it asks for.
    sessionMode: ({ permissions, agentMode }) =>
      agentMode ?? (permissions === "allow-all" ? "yolo" : undefined),
    readUpdate,
    describeTool,
  },
};

/** What the user's own settings do not say: no request to a model, and no traffic, that a session does not need. */
const defaults = {
  $version: 4,
  general: { enableAutoUpdate: false },
  memory: { enableManagedAutoMemory: false, enableManagedAutoDream: false, enableAutoSkill: false },
  experimental: { emitToolUseSummaries: false },
  model: { skipNextSpeakerCheck: true },
};

function start({ stateDirectory, sessionId }: LaunchInput): AcpStart {
  const path = `${stateDirectory}/sessions/${sessionId}/qwen-defaults.json`;
  return {
    env: { QWEN_CODE_SYSTEM_DEFAULTS_PATH: path },
    files: [{ path, content: JSON.stringify(defaults) }],
  };
}

function readUpdate(update: JsonObject): JsonObject {
  const { rawOutput: output } = update;
  if (update["sessionUpdate"] !== "tool_call_update") return update;
  // Of an edit it tells the whole file twice, and the diff, which the change of the file has.
  if (isJsonObject(output) && output["fileDiff"] !== undefined) return { ...update, rawOutput: "" };
  const isCommand = stringField(update["_meta"], "toolName") === "run_shell_command";
  if (!isCommand || typeof output !== "string") return update;
  // How a command ended only the text for the model says, which is dressed up; its output alone stands beside it.
  const texts = arrayField(update, "content").map((item) =>
    stringField(objectField(item, "content"), "text"),
  );
  const code = /\nExit Code: (\d+)\nSignal: /.exec(texts.join("\n"))?.[1];
  return code === undefined
    ? update
    : { ...update, content: [], rawOutput: { output, exitCode: Number(code) } };
}

/** While it asks it names no tool, and entitles calls of MCP servers' tools with their input. */
function describeTool({ kind, title, fields }: AcpToolCall): Partial<AcpToolFacts> | undefined {
  const isNamed = stringField(fields["_meta"], "toolName") !== undefined;
  return !isNamed && kind === "other" && isJsonObject(parseJson(title ?? "")) ? { kind: "mcp" } : undefined;
}
