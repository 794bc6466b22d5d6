import type { Environment, Launch, LaunchFile, LaunchInput } from "../../src/kit.ts";
import { mcpGate } from "./mcp-gate.ts";
import type { QwenOptions } from "./options.ts";
import { modelOf, systemSettings, userSettings } from "./settings.ts";
import { takesSchema } from "./turn/answer-schema.ts";

/** Passed unless the caller's environment says otherwise. */
const defaultEnvironment: Environment = {
  // Each session would have the model think of a title.
  QWEN_DISABLE_AUTO_TITLE: "1",
  // A connection at the start that may come to nothing.
  QWEN_CODE_DISABLE_PRECONNECT: "1",
  // It would write down all that it does in a log that nobody reads.
  QWEN_DEBUG_LOG_FILE: "0",
  // It would start itself once more to get more memory; the second process outlives the first one.
  QWEN_CODE_NO_RELAUNCH: "1",
};

/** How Qwen Code is started: for the session, or for the one turn of the input. */
export function qwenLaunch(options: QwenOptions, input: LaunchInput): Launch {
  const folder = `${input.stateDirectory}/sessions/${input.sessionId}`;
  const isTurn = options.mode === "turn";
  const outputSchema = isTurn ? input.turn?.outputSchema : undefined;
  const schema = outputSchema !== undefined && takesSchema(outputSchema) ? outputSchema : undefined;
  const { command } = options;
  const prefix =
    command === undefined
      ? ([input.executable] as const)
      : typeof command === "string"
        ? ([command] as const)
        : command;
  const model = modelOf(options, input);
  return {
    argv: [
      ...prefix,
      ...(isTurn ? turnArguments(input) : ["--acp"]),
      ...(schema === undefined ? [] : [`--json-schema=@${folder}/schema.json`]),
      ...["--auth-type", "openai", "--approval-mode", approvalMode(input)],
      ...(model === undefined ? [] : ["--model", model]),
      ...(input.permissions === "allow-all" ? [] : allowedServers(input)),
      ...(options.extraArgs ?? []),
    ],
    env: environment(options, input, folder),
    files: [
      ...files(options, input, folder),
      ...(schema === undefined ? [] : [{ path: `${folder}/schema.json`, content: JSON.stringify(schema) }]),
    ],
  };
}

function turnArguments({ resume, sessionId }: LaunchInput): readonly string[] {
  return [
    ...["--output-format", "stream-json", "--include-partial-messages"],
    // Of a command's result it would tell what was printed, and not how it ended.
    "--debug",
    ...(resume === undefined ? ["--session-id", sessionId] : ["--resume", resume.nativeSessionId]),
  ];
}

function approvalMode({ permissions, agentMode }: LaunchInput): string {
  if (agentMode !== undefined) return agentMode;
  return permissions === "allow-all" ? "yolo" : "default";
}

/** Those of the project run commands that nobody was asked about. */
function allowedServers({ mcpServers }: LaunchInput): readonly string[] {
  const names = Object.keys(mcpServers);
  return (names.length === 0 ? [""] : names).map((name) => `--allowed-mcp-server-names=${name}`);
}

function environment(options: QwenOptions, input: LaunchInput, folder: string): Environment {
  const { systemPrompt, env } = input;
  const defaults = Object.entries(defaultEnvironment).filter(([name]) => env[name] === undefined);
  const model = modelOf(options, input);
  return {
    ...Object.fromEntries(defaults),
    QWEN_HOME: `${folder}/home`,
    // The conversations: other sessions of the sandbox may take them up.
    QWEN_RUNTIME_DIR: `${input.stateDirectory}/runtime`,
    QWEN_CODE_SYSTEM_SETTINGS_PATH: `${folder}/settings.json`,
    ...(systemPrompt !== undefined && "replace" in systemPrompt
      ? { QWEN_SYSTEM_MD: `${folder}/system.md` }
      : {}),
    ...(options.baseUrl === undefined ? {} : { OPENAI_BASE_URL: options.baseUrl }),
    ...(model === undefined ? {} : { OPENAI_MODEL: model }),
    // It does not start without any.
    ...((env["OPENAI_API_KEY"] ?? "") === "" ? { OPENAI_API_KEY: "none" } : {}),
  };
}

function files(options: QwenOptions, input: LaunchInput, folder: string): readonly LaunchFile[] {
  const { systemPrompt, skills = [], mcpServers, permissions } = input;
  const gate = `${folder}/mcp-gate.mjs`;
  const isGated = permissions === "ask" && Object.keys(mcpServers).length > 0;
  return [
    { path: `${folder}/settings.json`, content: JSON.stringify(systemSettings(options, input, { gate })) },
    { path: `${folder}/home/settings.json`, content: JSON.stringify(userSettings(options, input)) },
    ...(isGated ? [{ path: gate, content: mcpGate }] : []),
    ...(systemPrompt === undefined
      ? []
      : "replace" in systemPrompt
        ? [{ path: `${folder}/system.md`, content: systemPrompt.replace }]
        : // The instructions that hold for all projects of its folder.
          [{ path: `${folder}/home/QWEN.md`, content: systemPrompt.append }]),
    ...skills.flatMap((skill) =>
      Object.entries(skill.files).map(([path, content]) => ({
        path: `${folder}/home/skills/${skill.name}/${path}`,
        content,
      })),
    ),
  ];
}
