import {
  AcpProtocol,
  type AcpProfile,
  type AgentBackend,
  type BackendCapabilities,
  type CliRecipe,
  type CredentialRecipe,
  type Environment,
  type Launch,
  type LaunchInput,
} from "../../src/kit.ts";
import { checkAcpOptions, type AcpAgentOptions, type AcpOptions, type AcpPresetOptions } from "./options.ts";
import { presets, type AcpPresetName } from "./presets.ts";
import type { AcpPreset, AcpStart } from "./presets/preset.ts";

/**
 * Makes a backend of any agent that speaks the Agent Client Protocol over its standard input and output: one that is
 * known by name, or one of one's own. It does no I/O.
 *
 * What the agent cannot do is not known before it runs: images, MCP servers by HTTP, taking up sessions and choosing a
 * model are refused, with the reason, when it is seen that the agent does not declare them. The agent's configuration is
 * the sandbox's: nothing of it is written or hidden.
 *
 * @throws TypeError for an agent that is not known, or an option that is unknown or wrong.
 * @example
 * ```ts
 * acp("opencode", { model: "anthropic/claude-sonnet-4-5" });
 * acp({ command: "my-agent", args: ["--acp"], env: { MY_KEY: key } });
 * ```
 */
export function acp(agent: AcpPresetName, options?: AcpPresetOptions): AgentBackend;
export function acp(agent: AcpAgentOptions): AgentBackend;
export function acp(agent: AcpPresetName | AcpAgentOptions, options: AcpPresetOptions = {}): AgentBackend {
  checkAcpOptions(agent, options);
  return typeof agent === "string" ? ofPreset(agent, presets[agent], options) : ofCommand(agent);
}

function ofPreset(name: string, preset: AcpPreset, options: AcpPresetOptions): AgentBackend {
  const { command } = options;
  return make(options, {
    ...{ name: options.name ?? name, product: preset.product, cli: preset.cli },
    credentials: preset.credentials,
    command: command === undefined ? undefined : argv(command),
    args: preset.args,
    env: preset.env ?? {},
    profile: preset.profile ?? {},
    capabilities: preset.capabilities ?? {},
    ...(preset.start === undefined ? {} : { start: preset.start }),
  });
}

function ofCommand(options: AcpAgentOptions): AgentBackend {
  const command = argv(options.command);
  const name = options.name ?? nameOf(command[0]);
  // Nothing is looked up or installed: the command is given.
  const cli: CliRecipe = {
    ...{ command: command[0], package: command[0], version: "0.0.0", versionArguments: [], executables: [] },
  };
  return make(options, {
    ...{ name, product: options.name ?? command[0], cli, credentials: nothing, command },
    ...{ args: options.args ?? [], env: {}, profile: {}, capabilities: {} },
  });
}

const nothing: CredentialRecipe = { anyOf: [], forwarded: [], secret: [] };

interface Known {
  readonly name: string;
  readonly product: string;
  readonly cli: CliRecipe;
  readonly credentials: CredentialRecipe;
  readonly command: readonly [string, ...string[]] | undefined;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly start?: (input: LaunchInput) => AcpStart;
  readonly profile: Partial<AcpProfile>;
  readonly capabilities: Partial<BackendCapabilities>;
}

function make(options: AcpOptions, known: Known): AgentBackend {
  const { name, cli, command } = known;
  const profile = profileOf(options, known);
  return {
    name,
    mode: "session",
    capabilities: { ...capabilities(options), ...known.capabilities },
    cli,
    credentials: withSecrets(known.credentials, options.secrets),
    ...(options.model === undefined ? {} : { model: options.model }),
    env: options.env ?? {},
    ...(command === undefined ? {} : { command }),
    install: options.install ?? true,
    launch: (input) => launch(options, known, input),
    protocol: (input) => new AcpProtocol(input, profile),
  };
}

function launch(options: AcpOptions, known: Known, input: LaunchInput): Launch {
  const { prefix = [], args = [], env = {}, files = [] } = known.start?.(input) ?? {};
  const [executable, ...more] = [...prefix, ...(known.command ?? [input.executable])] as const;
  const isFree = ([variable]: readonly [string, string]): boolean => input.env[variable] === undefined;
  return {
    argv: [executable, ...more, ...known.args, ...args, ...(options.extraArgs ?? [])],
    env: Object.fromEntries(Object.entries({ ...known.env, ...env }).filter(isFree)),
    files,
  };
}

function withSecrets(recipe: CredentialRecipe, secrets: readonly string[] = []): CredentialRecipe {
  const union = (names: readonly string[]): readonly string[] => [...new Set([...names, ...secrets])];
  return { ...recipe, forwarded: union(recipe.forwarded), secret: union(recipe.secret) };
}

function capabilities({ asksForEveryCall }: AcpOptions): BackendCapabilities {
  return {
    resume: true,
    fork: false,
    permissions: asksForEveryCall === true ? ["allow-all", "deny-all", "ask"] : ["allow-all"],
    updatedInput: false,
    questions: false,
    steering: false,
    interrupt: "protocol",
    images: true,
    mcpServers: ["stdio", "http"],
    systemPrompt: [],
    setModel: true,
    textDeltas: true,
    reasoning: true,
    usage: true,
    cost: false,
    compaction: false,
    allowedTools: false,
    skills: false,
    structuredOutput: "prompted",
    thinking: [],
    agentModes: [],
    models: "cli",
  };
}

function profileOf(options: AcpOptions, { name, product, profile }: Known): AcpProfile {
  const { authMethod, sessionMode, configOptions, asksForEveryCall } = options;
  return {
    agent: name,
    product,
    stopsUngatedCalls: asksForEveryCall ?? false,
    ...profile,
    ...(authMethod === undefined
      ? {}
      : { authMethods: typeof authMethod === "string" ? [authMethod] : authMethod }),
    ...(sessionMode === undefined ? {} : { sessionMode: () => sessionMode }),
    ...(configOptions === undefined ? {} : { configOptions }),
    ...options.profile,
  };
}

function argv(command: string | readonly [string, ...string[]]): readonly [string, ...string[]] {
  return typeof command === "string" ? [command] : command;
}

/** The executable's own name, in the form that a backend's name has. */
function nameOf(executable: string): string {
  const base = executable.slice(executable.lastIndexOf("/") + 1).toLowerCase();
  const name = base.replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+/, "");
  return name === "" ? "acp" : name;
}
