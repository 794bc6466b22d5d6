import type { AgentContentPart, Environment, Launch, LaunchFile, LaunchInput } from "../../src/kit.ts";
import { bridgePlugin } from "./bridge/plugin.ts";
import {
  commonConfig,
  configText,
  modelOf,
  opencodeConfig,
  readsProject,
  type ConfigPaths,
} from "./config.ts";
import { ModelNames } from "./models.ts";
import type { OpencodeOptions } from "./options.ts";
import { opencodeCredentials } from "./recipe.ts";
import { readyFile, startScript } from "./start-script.ts";
import { ownToolName } from "./tools.ts";

/** Passed unless the caller's environment says otherwise. */
const defaultEnvironment: Environment = {
  // Traffic at the start, which costs seconds where there is no internet.
  OPENCODE_DISABLE_AUTOUPDATE: "1",
  OPENCODE_DISABLE_MODELS_FETCH: "1",
  OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
  OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
  OPENCODE_DISABLE_SHARE: "1",
  OPENCODE_DISABLE_TERMINAL_TITLE: "1",
};

const folders = {
  XDG_CONFIG_HOME: "config",
  XDG_DATA_HOME: "data",
  XDG_STATE_HOME: "state",
  XDG_CACHE_HOME: "cache",
} as const;

/** How OpenCode is started: for the session, or for the one turn of the input. */
export function opencodeLaunch(options: OpencodeOptions, input: LaunchInput): Launch {
  const folder = `${input.stateDirectory}/sessions/${input.sessionId}`;
  const paths: ConfigPaths = {
    plugin: `${folder}/bridge.js`,
    appendedPrompt: `${folder}/instructions.md`,
    skills: `${folder}/skills`,
  };
  const script = `${folder}/start.sh`;
  const isTurn = options.mode === "turn";
  const images = isTurn ? imageFiles(folder, input) : [];
  const { command } = options;
  const prefix =
    command === undefined
      ? ([input.executable] as const)
      : typeof command === "string"
        ? ([command] as const)
        : command;
  return {
    argv: [
      ...(["sh", script, `${input.stateDirectory}/${folders.XDG_DATA_HOME}`] as const),
      ...prefix,
      ...(isTurn ? runArguments(options, input, images) : ["acp", "--cwd", input.cwd]),
      ...(options.extraArgs ?? []),
    ],
    env: environment(options, input, folder),
    files: [{ path: script, content: startScript }, ...files(options, input, folder, paths), ...images],
  };
}

function runArguments(
  options: OpencodeOptions,
  input: LaunchInput,
  images: readonly LaunchFile[],
): readonly string[] {
  const model = modelOf(options, input);
  const { resume, thinking, agentMode } = input;
  return [
    ...["run", "--format", "json", "--thinking", "--dir", input.cwd],
    // Where OpenCode asks by itself, nobody answers.
    ...(input.permissions === "allow-all" ? ["--auto"] : []),
    ...(model === undefined ? [] : ["--model", new ModelNames(options).own(model)]),
    ...(thinking === undefined ? [] : ["--variant", thinking]),
    ...(agentMode === undefined ? [] : ["--agent", agentMode]),
    ...(resume === undefined ? [] : ["--session", resume.nativeSessionId]),
    ...(resume?.fork === true ? ["--fork"] : []),
    ...images.flatMap(({ path }) => ["--file", path]),
  ];
}

function environment(options: OpencodeOptions, input: LaunchInput, folder: string): Environment {
  const defaults = Object.entries({
    ...defaultEnvironment,
    ...(input.answersQuestions ? { OPENCODE_ENABLE_QUESTION_TOOL: "1" } : {}),
  }).filter(([name]) => input.env[name] === undefined);
  return {
    ...Object.fromEntries(defaults),
    ...Object.fromEntries(
      Object.entries(folders).map(([name, below]) => [name, `${input.stateDirectory}/${below}`]),
    ),
    // It believes this variable more than the directory it is started in.
    PWD: input.cwd,
    OPENCODE_CONFIG: `${folder}/opencode.json`,
    OPENCODE_CONFIG_CONTENT: configText(commonConfig(options, input)),
    ...(readsProject(options, input) ? {} : { OPENCODE_DISABLE_PROJECT_CONFIG: "1" }),
  };
}

function files(
  options: OpencodeOptions,
  input: LaunchInput,
  folder: string,
  paths: ConfigPaths,
): readonly LaunchFile[] {
  const { systemPrompt, skills = [] } = input;
  const configFolder = `${input.stateDirectory}/${folders.XDG_CONFIG_HOME}/opencode`;
  return [
    { path: `${folder}/opencode.json`, content: configText(opencodeConfig(options, input, paths)) },
    { path: paths.plugin, content: plugin(options, input) },
    ...(systemPrompt !== undefined && "append" in systemPrompt
      ? [{ path: paths.appendedPrompt, content: systemPrompt.append }]
      : []),
    ...skills.flatMap((skill) =>
      Object.entries(skill.files).map(([path, content]) => ({
        path: `${paths.skills}/${skill.name}/${path}`,
        content,
      })),
    ),
    // OpenCode would fetch the package that plugins may import, from npm. The library's needs none.
    { path: `${configFolder}/node_modules/.keep`, content: "" },
    { path: `${configFolder}/package-lock.json`, content: JSON.stringify(nothingToInstall) },
  ];
}

const nothingToInstall = { packages: { "": { dependencies: { "@opencode-ai/plugin": "*" } } } };

function plugin(options: OpencodeOptions, input: LaunchInput): string {
  const { permissions, allowedTools, env, stateDirectory, resume, cwd } = input;
  const mine = Object.keys(folders).map((name) => [name, env[name] ?? null] as const);
  // The agent's own keys are no business of the commands it runs.
  const hidden = [
    ...opencodeCredentials(options).secret,
    "OPENCODE_CONFIG",
    "OPENCODE_CONFIG_CONTENT",
  ].filter((name) => name !== "GITHUB_TOKEN");
  return bridgePlugin({
    readyFile: `${stateDirectory}/${folders.XDG_DATA_HOME}/${readyFile}`,
    permissions: permissions === "allow-all" ? "allow" : permissions === "deny-all" ? "deny" : "ask",
    ...(allowedTools === undefined ? {} : { allowedTools: allowedTools.map(ownToolName) }),
    ...(resume === undefined ? {} : { takenUp: { sessionId: resume.nativeSessionId, cwd } }),
    shellVariables: Object.fromEntries([...mine, ...hidden.map((name) => [name, null] as const)]),
  });
}

function imageFiles(folder: string, { turn }: LaunchInput): readonly LaunchFile[] {
  const images = (turn?.content ?? []).filter((part): part is ImagePart => part.type === "image");
  return images.map(({ data, mediaType }, place) => ({
    path: `${folder}/images/${turn?.turnId ?? ""}-${place}.${mediaType.slice("image/".length)}`,
    content: data,
  }));
}

type ImagePart = Extract<AgentContentPart, { type: "image" }>;
