import type { Launch, LaunchFile, LaunchInput, PermissionMode } from "../../src/kit.ts";
import { checkMcpServerNames, mcpServers } from "./mcp-servers.ts";
import type { CodexOptions } from "./options.ts";
import { toolGate } from "./tool-gate.ts";
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
      ...(isTurn ? turnArguments(input) : []),
    ],
    env: { CODEX_HOME: home, ...temporary.env },
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

function execArguments({ sessionId, permissions }: LaunchInput): readonly string[] {
  return [
    ...["exec", "--json", "--skip-git-repo-check", "--color", "never", "-p", profileName(sessionId)],
    // Nobody sees whether the hook is taken, as in the app-server's handshake: a Codex that does not know this
    // argument does not start.
    ...(permissions === "allow-all" ? [] : ["--dangerously-bypass-hook-trust"]),
  ];
}

function turnArguments({ resume }: LaunchInput): readonly string[] {
  return [...(resume === undefined ? [] : [resume.fork ? "fork" : "resume", resume.nativeSessionId]), "-"];
}

function overrides(options: CodexOptions, input: LaunchInput): string[] {
  const settings = new Map<string, TomlValue>([
    ...provider(options, input),
    ...(input.model === undefined ? [] : ([["model", input.model]] as const)),
    ...(options.reasoningEffort === undefined
      ? []
      : ([["model_reasoning_effort", options.reasoningEffort]] as const)),
    ...(options.reasoningSummary === undefined
      ? []
      : ([["model_reasoning_summary", options.reasoningSummary]] as const)),
    ...quiet,
    // The agent's own key is no business of the commands it runs.
    ["shell_environment_policy.exclude", [...keyVariables]],
    ...restrictions(input.permissions),
    ...questions(options, input),
    // Codex would write its trust down, for every session that comes later: said here, it is this process's alone.
    ...(trustsProject(options, input.permissions)
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

/** Tools that could not ask are not even offered; the gate refuses them if they come all the same. */
function restrictions(permissions: PermissionMode): readonly (readonly [string, TomlValue])[] {
  if (permissions === "allow-all") return [];
  const without = ["view_image", "image_generation", "multi_agent", "sleep_tool", "tool_suggest"];
  // Without a terminal nothing can be typed into a command that was allowed: that would go unasked.
  without.push("unified_exec_tty");
  if (permissions === "deny-all") without.push("shell_tool");
  return [
    ["web_search", "disabled"],
    ["features.hooks", true],
    ["hooks", toolGate(permissions)],
    ...without.map((feature) => [`features.${feature}`, false] as const),
  ];
}

function questions(options: CodexOptions, input: LaunchInput): readonly (readonly [string, TomlValue])[] {
  const isOffered = input.answersQuestions && input.permissions !== "deny-all" && options.mode !== "turn";
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

export function trustsProject(options: CodexOptions, permissions: PermissionMode): boolean {
  return options.trustProject ?? permissions === "allow-all";
}

/** The sessions of a sandbox share Codex's folder, so that one can fork another: nothing of a session goes by it. */
function files(options: CodexOptions, input: LaunchInput, home: string): readonly LaunchFile[] {
  // Also makes the folder, which has to be there. What Codex may have added would hold for all sessions.
  const common = {
    path: `${home}/config.toml`,
    content: "# Settings come with each process.\n",
    mode: 0o600,
  };
  return options.mode === "turn" ? [common, ...profileFiles(input, home)] : [common];
}

/** What `exec` cannot be told but by a file: secrets have no place in an argument. */
function profileFiles(input: LaunchInput, home: string): readonly LaunchFile[] {
  const { systemPrompt, sessionId, permissions } = input;
  const replaced = systemPrompt !== undefined && "replace" in systemPrompt ? systemPrompt.replace : undefined;
  const appended = systemPrompt !== undefined && "append" in systemPrompt ? systemPrompt.append : undefined;
  const instructions = `${home}/${profileName(sessionId)}.md`;
  const profile = tomlDocument({
    ...(replaced === undefined ? {} : { model_instructions_file: instructions }),
    ...(appended === undefined ? {} : { developer_instructions: appended }),
    mcp_servers: mcpServers(input.mcpServers, permissions),
  });
  return [
    { path: `${home}/${profileName(sessionId)}.config.toml`, content: profile, mode: 0o600 },
    ...(replaced === undefined ? [] : [{ path: instructions, content: replaced, mode: 0o600 }]),
  ];
}

function profileName(sessionId: string): string {
  return `playpen-${sessionId}`;
}
