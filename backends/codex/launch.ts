import type { Launch, LaunchFile, LaunchInput, McpServers, PermissionMode } from "../../src/kit.ts";
import type { CodexOptions } from "./options.ts";
import { toolGate } from "./tool-gate.ts";
import { tomlDocument, tomlValue, type TomlValue } from "./toml.ts";

const vendorUrl = "https://api.openai.com/v1";
const keyVariables = ["CODEX_API_KEY", "OPENAI_API_KEY"] as const;

/** How to start Codex: for the session, or for the one turn of the input. */
export function codexLaunch(options: CodexOptions, input: LaunchInput): Launch {
  const home = codexHome(input.stateDirectory);
  const prefix: readonly [string, ...string[]] =
    options.command === undefined ? [input.executable] : argv(options.command);
  const isTurn = options.mode === "turn";
  return {
    argv: [
      ...prefix,
      ...(isTurn ? ["exec", "--json", "--skip-git-repo-check", "--color", "never"] : ["app-server"]),
      // One process asks nobody what to trust: it could not be told the answer.
      ...(isTurn && input.permissions !== "allow-all" ? ["--dangerously-bypass-hook-trust"] : []),
      ...overrides(options, input),
      ...(options.extraArgs ?? []),
      ...(isTurn ? turnArguments(input) : []),
    ],
    env: { CODEX_HOME: home },
    files: files(options, input, home),
  };
}

function codexHome(stateDirectory: string): string {
  return `${stateDirectory}/codex`;
}

function argv(command: string | readonly [string, ...string[]]): readonly [string, ...string[]] {
  return typeof command === "string" ? [command] : command;
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
    ...(trustsProject(options, input.permissions)
      ? []
      : ([["projects", { [input.cwd]: { trust_level: "untrusted" } }]] as const)),
  ];
}

export function sandboxMode(options: CodexOptions, permissions: PermissionMode): string {
  return options.sandboxMode ?? (permissions === "deny-all" ? "read-only" : "danger-full-access");
}

export function trustsProject(options: CodexOptions, permissions: PermissionMode): boolean {
  return options.trustProject ?? permissions === "allow-all";
}

function files(options: CodexOptions, input: LaunchInput, home: string): readonly LaunchFile[] {
  const { systemPrompt } = input;
  const replaced = systemPrompt !== undefined && "replace" in systemPrompt ? systemPrompt.replace : undefined;
  const instructions = `${home}/instructions.md`;
  const configPath = `${home}/config.toml`;
  const config = tomlDocument({
    ...(replaced === undefined ? {} : { model_instructions_file: instructions }),
    ...(systemPrompt !== undefined && "append" in systemPrompt
      ? { developer_instructions: systemPrompt.append }
      : {}),
    mcp_servers: mcpServers(input.mcpServers, input.permissions),
    ...toolGate(input.permissions, configPath),
  });
  return [
    { path: configPath, content: config, mode: 0o600 },
    ...(replaced === undefined ? [] : [{ path: instructions, content: replaced, mode: 0o600 }]),
  ];
}

function mcpServers(
  servers: McpServers,
  permissions: PermissionMode,
): { readonly [name: string]: TomlValue } {
  const approval = { default_tools_approval_mode: permissions === "allow-all" ? "approve" : "prompt" };
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]): [string, TomlValue] => {
      if (!/^[A-Za-z0-9_-]+$/.test(name)) {
        throw new TypeError(
          `codex(): the MCP server ${JSON.stringify(name)} must be named with letters, digits, _ and -.`,
        );
      }
      if (server.type === "http") {
        return [
          name,
          { url: server.url, ...(server.headers && { http_headers: server.headers }), ...approval },
        ];
      }
      return [
        name,
        {
          command: server.command,
          args: server.args ?? [],
          ...(server.env && { env: server.env }),
          ...approval,
        },
      ];
    }),
  );
}
