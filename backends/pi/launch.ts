import {
  objectField,
  type Environment,
  type Launch,
  type LaunchFile,
  type LaunchInput,
} from "../../src/kit.ts";
import { bridgeSource } from "./bridge.ts";
import { modelsFile } from "./models-file.ts";
import { isOwnServer, type PiOptions } from "./options.ts";
import { customProvider } from "./providers.ts";

/** No traffic that the session does not need. */
const quiet: Environment = { PI_OFFLINE: "1", PI_SKIP_VERSION_CHECK: "1", PI_TELEMETRY: "0" };

/** How the CLI is started: for the session, or for the one turn of the input. Texts of any length go by file. */
export function piLaunch(options: PiOptions, input: LaunchInput): Launch {
  const folder = `${input.stateDirectory}/sessions/${input.sessionId}`;
  const isTurn = options.mode === "turn";
  const trustsProject = options.trustProject ?? input.permissions === "allow-all";
  const files: LaunchFile[] = [
    { path: `${folder}/agent/settings.json`, content: JSON.stringify(settingsOf(options)) },
    { path: `${folder}/bridge.js`, content: bridge(input, trustsProject, isTurn) },
  ];
  const models = modelsFile(options, input);
  if (models !== undefined) files.push({ path: `${folder}/agent/models.json`, content: models });
  const argv: [string, ...string[]] = [
    ...commandOf(options, input),
    "--mode",
    isTurn ? "json" : "rpc",
    // Common to all sessions of the sandbox, so that one can take up or fork another.
    "--session-dir",
    `${input.stateDirectory}/conversations`,
    "--extension",
    `${folder}/bridge.js`,
  ];
  if (!trustsProject) argv.push("--no-extensions");
  if (input.resume !== undefined) {
    argv.push(input.resume.fork ? "--fork" : "--session", input.resume.nativeSessionId);
  }
  argv.push(...modelArguments(options, input));
  if (input.thinking !== undefined) argv.push("--thinking", input.thinking);
  argv.push(...toolArguments(input));
  argv.push(...systemPrompt(input, folder, files));
  argv.push(...skills(input, folder, files));
  argv.push(...(options.extraArgs ?? []));
  if (isTurn) argv.push(...images(input, folder, files));
  return {
    argv,
    // Settings that Pi changes by itself are the session's own.
    env: { ...environment(input, trustsProject), PI_CODING_AGENT_DIR: `${folder}/agent` },
    files,
  };
}

function commandOf({ command }: PiOptions, input: LaunchInput): readonly [string, ...string[]] {
  if (command === undefined) return [input.executable];
  return typeof command === "string" ? [command] : command;
}

function environment({ env }: LaunchInput, trustsProject: boolean): Environment {
  // Where the project is not trusted, its packages may not be installed either.
  if (!trustsProject) return quiet;
  return Object.fromEntries(Object.entries(quiet).filter(([name]) => env[name] === undefined));
}

function settingsOf({ settings }: PiOptions): object {
  return {
    quietStartup: true,
    enableInstallTelemetry: false,
    ...settings,
    // The API's client would try again without a word; Pi itself tells when it does.
    retry: { provider: { maxRetries: 0 }, ...objectField(settings, "retry") },
  };
}

function bridge(input: LaunchInput, trustsProject: boolean, isTurn: boolean): string {
  const { permissions, resume, answersQuestions } = input;
  return bridgeSource({
    gate: permissions,
    trustsProject,
    asksHost: answersQuestions && !isTurn && permissions !== "deny-all",
    ...(resume === undefined || resume.fork ? {} : { sessionId: resume.nativeSessionId }),
  });
}

function modelArguments(options: PiOptions, input: LaunchInput): readonly string[] {
  const model = input.model ?? options.model;
  const provider = options.provider ?? (isOwnServer(options) ? customProvider : undefined);
  const first = (options.models ?? []).map((item) => (typeof item === "string" ? item : item.id))[0];
  const chosen = model ?? first;
  if (chosen === undefined) return [];
  return [...(provider === undefined ? [] : ["--provider", provider]), "--model", chosen];
}

function toolArguments({ permissions, allowedTools }: LaunchInput): readonly string[] {
  if (permissions === "deny-all" || allowedTools?.length === 0) return ["--no-tools"];
  return allowedTools === undefined ? [] : ["--tools", allowedTools.join(",")];
}

function systemPrompt(input: LaunchInput, folder: string, files: LaunchFile[]): readonly string[] {
  const { systemPrompt: prompt } = input;
  if (prompt === undefined) return [];
  const path = `${folder}/system-prompt.md`;
  files.push({ path, content: "append" in prompt ? prompt.append : prompt.replace });
  return ["append" in prompt ? "--append-system-prompt" : "--system-prompt", path];
}

function skills({ skills: given = [] }: LaunchInput, folder: string, files: LaunchFile[]): readonly string[] {
  return given.flatMap(({ name, files: contents }) => {
    for (const [path, content] of Object.entries(contents)) {
      files.push({ path: `${folder}/skills/${name}/${path}`, content });
    }
    return ["--skill", `${folder}/skills/${name}`];
  });
}

/** `--mode json` takes images only by file. */
function images({ turn }: LaunchInput, folder: string, files: LaunchFile[]): readonly string[] {
  const parts = (turn?.content ?? []).filter((part) => part.type === "image");
  return parts.map(({ data, mediaType }, index) => {
    const path = `${folder}/images/${String(index)}.${mediaType.slice("image/".length)}`;
    files.push({ path, content: data });
    return `@${path}`;
  });
}
