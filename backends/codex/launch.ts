import type {
  AgentSessionInput,
  JsonObject,
  Launch,
  LaunchFile,
  LaunchInput,
  PermissionMode,
} from "../../src/kit.ts";
import { AllowedTools } from "./allowed-tools.ts";
import { logSettings } from "./exec/server-failures.ts";
import { checkMcpServerNames, mcpServers } from "./mcp-servers.ts";
import type { CodexOptions } from "./options.ts";
import { skillFiles } from "./session-skills.ts";
import { strictSchema } from "./strict-schema.ts";
import { ToolGate } from "./tool-gate.ts";
import { tomlDocument, tomlValue, type TomlValue } from "./toml.ts";

const vendorUrl = "https://api.openai.com/v1";
const keyVariables = ["CODEX_API_KEY", "OPENAI_API_KEY"] as const;

/** How to start Codex: for the session, or for the one turn of the input. */
export function codexLaunch(options: CodexOptions, input: LaunchInput): Launch {
  checkMcpServerNames(input.mcpServers);
  const home = codexHome(input.stateDirectory);
  const prefix: readonly [string, ...string[]] =
    options.command === undefined ? [input.executable] : argv(options.command);
  const isTurn = options.mode === "turn";
  const temporary = temporaryFolder(options, input, home);
  return {
    argv: [
      ...prefix,
      ...(isTurn ? execArguments(input) : ["app-server"]),
      ...overrides(options, input),
      ...(options.extraArgs ?? []),
      ...(isTurn ? turnArguments(input, home) : []),
    ],
    env: { CODEX_HOME: home, ...temporary.env, ...(isTurn ? logSettings(input.env) : {}) },
    files: [...files(options, input, home), ...temporary.files],
  };
}

/**
 * Where Codex's home lies in the temporary folder, it does not put the helpers of its own sandbox there, and each
 * command fails: then it is given another temporary folder.
 */
function temporaryFolder(
  options: CodexOptions,
  input: LaunchInput,
  home: string,
): Pick<Launch, "env" | "files"> {
  const current = (input.env["TMPDIR"] ?? "/tmp").replace(/\/+$/, "");
  if (sandboxMode(options, input.permissions) === "danger-full-access" || !home.startsWith(`${current}/`)) {
    return { env: {}, files: [] };
  }
  const folder = `${home}/tmp`;
  return {
    env: { TMPDIR: folder },
    files: [{ path: `${folder}/README`, content: "Temporary files of commands.\n" }],
  };
}

function codexHome(stateDirectory: string): string {
  return `${stateDirectory}/codex`;
}

function argv(command: string | readonly [string, ...string[]]): readonly [string, ...string[]] {
  return typeof command === "string" ? [command] : command;
}

function execArguments(input: LaunchInput): readonly string[] {
  return [
    ...["exec", "--json", "--skip-git-repo-check", "--color", "never", "-p", profileName(input.sessionId)],
    // Nobody sees whether the hook is taken, as in the app-server's handshake: a Codex that does not know this
    // argument does not start.
    ...(ToolGate.of(input) === undefined ? [] : ["--dangerously-bypass-hook-trust"]),
  ];
}

function turnArguments(input: LaunchInput, home: string): readonly string[] {
  const { resume, sessionId } = input;
  return [
    ...(outputSchemaOf(input) === undefined ? [] : ["--output-schema", schemaPath(home, sessionId)]),
    ...(resume === undefined ? [] : [resume.fork ? "fork" : "resume", resume.nativeSessionId]),
    "-",
  ];
}

function overrides(options: CodexOptions, input: LaunchInput): string[] {
  const effort = input.thinking ?? options.reasoningEffort;
  const settings = new Map<string, TomlValue>([
    ...provider(options, input),
    ...(input.model === undefined ? [] : ([["model", input.model]] as const)),
    ...(effort === undefined ? [] : ([["model_reasoning_effort", effort]] as const)),
    ...(options.reasoningSummary === undefined
      ? []
      : ([["model_reasoning_summary", options.reasoningSummary]] as const)),
    ...quiet,
    // The agent's own key is no business of the commands it runs.
    [
      "shell_environment_policy.exclude",
      [...keyVariables, ...(options.mode === "turn" ? Object.keys(logSettings(input.env)) : [])],
    ],
    ...restrictions(input),
    ...questions(options, input),
    // Codex would write its trust down, for every session that comes later: said here, it is this process's alone.
    ...(trustsProject(options, input)
      ? ([["projects", { [input.cwd]: { trust_level: "trusted" } }]] as const)
      : []),
    ...(options.mode === "turn" ? turnSettings(options, input) : []),
    ...Object.entries(options.config ?? {}),
  ]);
  return [...settings].flatMap(([path, value]) => ["-c", `${path}=${tomlValue(value)}`]);
}

/**
 * Codex takes no key for its built-in provider from the environment when it runs as a server, and none of them can
 * be pointed elsewhere: so the vendor's API is a provider of ours as well.
 */
function provider(options: CodexOptions, { env }: LaunchInput): readonly (readonly [string, TomlValue])[] {
  return [
    ["model_provider", "playpen"],
    ["model_providers.playpen.name", "playpen"],
    ["model_providers.playpen.base_url", options.baseUrl ?? vendorUrl],
    [
      "model_providers.playpen.env_key",
      keyVariables.find((name) => (env[name] ?? "") !== "") ?? keyVariables[0],
    ],
    ["model_providers.playpen.wire_api", "responses"],
    ["model_providers.playpen.request_max_retries", 3],
    ["model_providers.playpen.stream_max_retries", 3],
  ];
}

/** No traffic that the session does not need, and an end to every retry. */
const quiet: readonly (readonly [string, TomlValue])[] = [
  ["analytics.enabled", false],
  ["feedback.enabled", false],
  ["check_for_update_on_startup", false],
  ["features.plugins", false],
  ["features.apps", false],
  // A goal makes Codex begin turns of its own, which no prompt asked for.
  ["features.goals", false],
  ["features.unbounded_connection_retries", false],
  ["suppress_unstable_features_warning", true],
];

/** Tools that could not ask, or are not allowed, are not even offered; the gate refuses them if they come all the same. */
function restrictions(input: LaunchInput): readonly (readonly [string, TomlValue])[] {
  const gate = ToolGate.of(input);
  if (gate === undefined) return [];
  const { permissions } = input;
  const without = ["view_image", "image_generation"].filter((tool) => !isAllowed(tool, input));
  if (!isAllowed("spawn_agent", input)) without.push("multi_agent");
  without.push("sleep_tool", "tool_suggest");
  // Without a terminal nothing can be typed into a command that was allowed: that would go unasked.
  if (permissions !== "allow-all") without.push("unified_exec_tty");
  if (permissions === "deny-all" || !isAllowed("shell", input, true)) without.push("shell_tool");
  return [
    // The model's API carries it out by itself: no hook hears of it.
    ...(isAllowed("web_search", input) ? [] : [["web_search", "disabled"] as const]),
    ["features.hooks", true],
    ["hooks", gate.setting],
    ...without.map((feature) => [`features.${feature}`, false] as const),
  ];
}

/** Whether a tool may be offered that cannot ask for itself, unless it `canAsk`. */
function isAllowed(
  tool: string,
  { permissions, allowedTools, mcpServers: servers }: LaunchInput,
  canAsk = false,
): boolean {
  if (permissions !== "allow-all" && !canAsk) return false;
  return allowedTools === undefined || new AllowedTools(allowedTools, servers).has(tool);
}

function questions(options: CodexOptions, input: LaunchInput): readonly (readonly [string, TomlValue])[] {
  const isOffered =
    input.answersQuestions &&
    input.permissions !== "deny-all" &&
    options.mode !== "turn" &&
    (input.allowedTools?.includes("request_user_input") ?? true);
  return isOffered
    ? [["features.default_mode_request_user_input", true]]
    : [["tools.experimental_request_user_input.enabled", false]];
}

function turnSettings(options: CodexOptions, input: LaunchInput): readonly (readonly [string, TomlValue])[] {
  return [
    ["approval_policy", "never"],
    ["sandbox_mode", sandboxMode(options, input.permissions)],
  ];
}

export function sandboxMode(options: CodexOptions, permissions: PermissionMode): string {
  return options.sandboxMode ?? (permissions === "deny-all" ? "read-only" : "danger-full-access");
}

export function trustsProject(options: CodexOptions, input: AgentSessionInput): boolean {
  return options.trustProject ?? ToolGate.of(input) === undefined;
}

/** The sessions of a sandbox share Codex's folder, so that one can fork another: nothing of a session goes by it. */
function files(options: CodexOptions, input: LaunchInput, home: string): readonly LaunchFile[] {
  // Also makes the folder, which has to be there. What Codex may have added would hold for all sessions.
  const common = {
    path: `${home}/config.toml`,
    content: "# Settings come with each process.\n",
    mode: 0o600,
  };
  if (options.mode !== "turn") return [common, ...skillFiles(input)];
  const schema = outputSchemaOf(input);
  return [
    common,
    ...profileFiles(input, home),
    ...(schema === undefined
      ? []
      : [{ path: schemaPath(home, input.sessionId), content: JSON.stringify(schema) }]),
  ];
}

function outputSchemaOf({ turn }: LaunchInput): JsonObject | undefined {
  return turn?.outputSchema && strictSchema(turn.outputSchema);
}

function schemaPath(home: string, sessionId: string): string {
  return `${home}/${profileName(sessionId)}.schema.json`;
}

/** What `exec` cannot be told but by a file: secrets have no place in an argument. */
function profileFiles(input: LaunchInput, home: string): readonly LaunchFile[] {
  const { systemPrompt, sessionId } = input;
  const replaced = systemPrompt !== undefined && "replace" in systemPrompt ? systemPrompt.replace : undefined;
  const appended = systemPrompt !== undefined && "append" in systemPrompt ? systemPrompt.append : undefined;
  const instructions = `${home}/${profileName(sessionId)}.md`;
  const profile = tomlDocument({
    ...(replaced === undefined ? {} : { model_instructions_file: instructions }),
    ...(appended === undefined ? {} : { developer_instructions: appended }),
    mcp_servers: mcpServers(input),
  });
  return [
    { path: `${home}/${profileName(sessionId)}.config.toml`, content: profile, mode: 0o600 },
    ...(replaced === undefined ? [] : [{ path: instructions, content: replaced, mode: 0o600 }]),
  ];
}

function profileName(sessionId: string): string {
  return `playpen-${sessionId}`;
}
