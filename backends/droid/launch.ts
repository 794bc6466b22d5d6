import type { Environment, Launch, LaunchFile, LaunchInput, SystemPrompt } from "../../src/kit.ts";
import type { DroidOptions } from "./options.ts";
import { runtimeSettings } from "./runtime-settings.ts";

/** No traffic that the session does not need. */
const quiet: Environment = {
  FACTORY_DROID_AUTO_UPDATE_ENABLED: "false",
  FACTORY_OTEL_ENABLED: "false",
  OTEL_SDK_DISABLED: "true",
  // Credentials come by the environment.
  FACTORY_DISABLE_KEYRING: "true",
};

/** As if an organization had said so: neither hooks nor MCP servers of a project, which would run unasked. */
const policy = {
  allowManagedHooksOnly: true,
  hooks: { hooksDisabled: true },
  mcpPolicy: { enabled: true, allowlist: [] },
};

/** Of trust depends only that a session which is taken up can move to another folder. */
const userSettings = {
  trustedFolders: { "/": { trustedAt: "2000-01-01T00:00:00.000Z" } },
  disableAutoUpdate: true,
  cloudSessionSync: false,
};

/** The variable by which instructions are added. Unlike the protocol's member it also reaches a session taken up. */
const appendVariable = "FACTORY_APPEND_SYSTEM_PROMPT";

/** A single variable of a process may not be longer than 128 KiB. */
const maxVariableBytes = 100_000;

/** Whether the instructions reach the CLI by its environment, and not by its protocol. */
export function fitsVariable(prompt: SystemPrompt | undefined): prompt is { readonly append: string } {
  return (
    prompt !== undefined &&
    "append" in prompt &&
    new TextEncoder().encode(prompt.append).length <= maxVariableBytes
  );
}

/** How the CLI is started: everything that depends on the conversation is said by its protocol. */
export function droidLaunch(options: DroidOptions, input: LaunchInput): Launch {
  const folder = `${input.stateDirectory}/sessions/${input.sessionId}`;
  // Common to all sessions of the sandbox, so that one can take up or fork another.
  const home = `${input.stateDirectory}/home`;
  const files: LaunchFile[] = [
    { path: `${home}/.factory/settings.json`, content: JSON.stringify(userSettings) },
    { path: `${folder}/settings.json`, content: runtimeSettings(options, input, folder) },
  ];
  for (const { name, files: contents } of input.skills ?? []) {
    for (const [path, content] of Object.entries(contents)) {
      files.push({ path: `${folder}/skills/${name}/${path}`, content });
    }
  }
  const trustsProject = options.trustProject ?? input.permissions === "allow-all";
  if (!trustsProject) files.push({ path: `${folder}/policy.json`, content: JSON.stringify(policy) });
  const { systemPrompt } = input;
  return {
    argv: [
      ...commandOf(options, input),
      "exec",
      "--input-format",
      "stream-jsonrpc",
      "--output-format",
      "stream-jsonrpc",
      // Only by this Droid neither asks nor wants the model to justify each command. The protocol's own member for it
      // does not hold for a session that is taken up.
      ...(input.permissions === "allow-all" ? ["--skip-permissions-unsafe"] : []),
      ...(options.extraArgs ?? []),
    ],
    env: {
      ...overridable(options, input.env),
      FACTORY_HOME_OVERRIDE: home,
      FACTORY_RUNTIME_SETTINGS_PATH: `${folder}/settings.json`,
      ...(trustsProject ? {} : { FACTORY_ORG_MANAGED_SETTINGS_LOCAL_PATH: `${folder}/policy.json` }),
      ...(fitsVariable(systemPrompt) ? { [appendVariable]: systemPrompt.append } : {}),
    },
    files,
  };
}

/** What the caller's environment may say otherwise. */
function overridable({ baseUrl }: DroidOptions, env: Environment): Environment {
  // With a server of the caller's own nothing has to be asked of Factory, and so nothing is told to it.
  const wanted = baseUrl === undefined ? quiet : { ...quiet, FACTORY_AIRGAP_ENABLED: "true" };
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => env[name] === undefined));
}

function commandOf({ command }: DroidOptions, input: LaunchInput): readonly [string, ...string[]] {
  if (command === undefined) return [input.executable];
  return typeof command === "string" ? [command] : command;
}
