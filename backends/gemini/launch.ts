import type { Environment, Launch, LaunchFile, LaunchInput } from "../../src/kit.ts";
import type { GeminiOptions } from "./options.ts";
import { policyOf } from "./policy.ts";
import { settingsOf } from "./settings.ts";
import { startScript } from "./start-script.ts";

/** Passed unless the caller's environment says otherwise. */
const defaultEnvironment: Environment = {
  // The launcher that the CLI otherwise puts before itself passes no signals on.
  GEMINI_CLI_NO_RELAUNCH: "1",
  NO_BROWSER: "1",
};

/** How to start the CLI: for the session, or for the one turn of the input. */
export function geminiLaunch(options: GeminiOptions, input: LaunchInput): Launch {
  const home = `${input.stateDirectory}/sessions/${input.sessionId}`;
  const policy = policyOf(input);
  const script = `${home}/start.sh`;
  const isTurn = options.mode === "turn";
  const { resume, model } = input;
  return {
    argv: [
      ...["sh", script, home, `${input.stateDirectory}/shared`],
      ...[isTurn ? "" : (resume?.nativeSessionId.slice(0, 8) ?? ""), trust(options, input)],
      ...[String(Object.keys(input.mcpServers).length), ...commandOf(options, input)],
      ...(isTurn ? ["--output-format", "stream-json"] : ["--acp"]),
      ...(model === undefined ? [] : ["--model", model]),
      ...["--approval-mode", approvalMode(input)],
      ...(policy === undefined ? [] : ["--admin-policy", `${home}/policies`]),
      ...(isTurn && resume !== undefined ? ["--resume", resume.nativeSessionId] : []),
      ...(options.extraArgs ?? []),
    ] as const satisfies readonly [string, ...string[]],
    env: environmentOf(input, home),
    files: [
      { path: script, content: startScript },
      { path: `${home}/.gemini/settings.json`, content: JSON.stringify(settingsOf(options, input), null, 2) },
      ...(policy === undefined ? [] : [{ path: `${home}/policies/session.toml`, content: policy }]),
      ...systemPromptFiles(input, home),
      ...skillFiles(input, home),
    ],
  };
}

function commandOf({ command }: GeminiOptions, { executable }: LaunchInput): readonly string[] {
  if (command === undefined) return [executable];
  return typeof command === "string" ? [command] : command;
}

function trust({ trustProject }: GeminiOptions, { permissions }: LaunchInput): string {
  if (trustProject === undefined) return permissions === "allow-all" ? "yes" : "unless-configured";
  return trustProject ? "yes" : "no";
}

function approvalMode({ permissions, agentMode }: LaunchInput): string {
  return agentMode ?? (permissions === "allow-all" ? "yolo" : "default");
}

function environmentOf(input: LaunchInput, home: string): Environment {
  const { env, permissions, systemPrompt, allowedTools } = input;
  const defaults = Object.entries(defaultEnvironment).filter(([name]) => env[name] === undefined);
  const isRestricted = permissions !== "allow-all" || allowedTools !== undefined;
  return {
    ...Object.fromEntries(defaults),
    GEMINI_CLI_HOME: home,
    // An image's own policies would put the session's out of force. No file is there.
    ...(isRestricted ? { GEMINI_CLI_SYSTEM_SETTINGS_PATH: `${home}/system/settings.json` } : {}),
    ...(systemPrompt !== undefined && "replace" in systemPrompt
      ? { GEMINI_SYSTEM_MD: `${home}/system.md` }
      : {}),
  };
}

function systemPromptFiles({ systemPrompt }: LaunchInput, home: string): readonly LaunchFile[] {
  if (systemPrompt !== undefined && "replace" in systemPrompt) {
    return [{ path: `${home}/system.md`, content: systemPrompt.replace }];
  }
  // The user's own instructions become a part of the system prompt. Written also when there are none: the agent may
  // have been given some before.
  return [{ path: `${home}/.gemini/GEMINI.md`, content: withoutImports(systemPrompt?.append ?? "") }];
}

/** The CLI puts a file in the place of `@name`, or words about its absence: an invisible character keeps the words. */
function withoutImports(text: string): string {
  return text.replace(/(?<![^ \t\n\r])@(?=[./A-Za-z])/g, "@\u2060");
}

function skillFiles({ skills = [] }: LaunchInput, home: string): readonly LaunchFile[] {
  return skills.flatMap(({ name, files }) =>
    Object.entries(files).map(([path, content]) => ({
      path: `${home}/.gemini/skills/${name}/${path}`,
      content,
    })),
  );
}
