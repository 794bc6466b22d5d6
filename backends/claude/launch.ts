import type { Environment, JsonObject, Launch, LaunchFile, LaunchInput, McpServers } from "../../src/kit.ts";
import type { ClaudeOptions } from "./options.ts";

/** Passed unless the caller's environment says otherwise. */
const defaultEnvironment: Environment = {
  // Start-up traffic, which costs seconds where there is no internet.
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  DISABLE_AUTOUPDATER: "1",
  DISABLE_TELEMETRY: "1",
  DISABLE_ERROR_REPORTING: "1",
  DISABLE_INSTALLATION_CHECKS: "1",
  CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY: "1",
  CLAUDE_CODE_DISABLE_TERMINAL_TITLE: "1",
  // Lets root bypass the CLI's own permissions; it must be exactly "1".
  IS_SANDBOX: "1",
  // The CLI's own default keeps a turn with an invalid key alive for three minutes.
  CLAUDE_CODE_MAX_RETRIES: "5",
};

const defaultSources = { "allow-all": undefined, "deny-all": ["user"], ask: ["user"] } as const;

/** How the CLI is started. Neither secrets nor texts of any length are among the arguments. */
export function claudeLaunch(options: ClaudeOptions, input: LaunchInput): Launch {
  const folder = `${input.stateDirectory}/sessions/${input.sessionId}`;
  const files: LaunchFile[] = [];
  const command = commandOf(options, input);
  const argv: [string, ...string[]] = [
    ...command,
    "-p",
    "--output-format",
    "stream-json",
    "--verbose",
    "--include-partial-messages",
    "--input-format",
    "stream-json",
    "--replay-user-messages",
    "--permission-prompt-tool",
    "stdio",
    "--permission-mode",
    permissionModeOf(options, input),
  ];
  if (input.resume === undefined) {
    argv.push("--session-id", input.sessionId);
  } else {
    argv.push("--resume", input.resume.nativeSessionId);
    if (input.resume.fork) argv.push("--fork-session");
  }
  // Also on resume, which would otherwise lose it.
  const model = input.model ?? options.model;
  if (model !== undefined) argv.push("--model", model);
  if (options.fallbackModel !== undefined) argv.push("--fallback-model", options.fallbackModel);
  if (options.maxTurns !== undefined) argv.push("--max-turns", String(options.maxTurns));
  if (options.maxBudgetUsd !== undefined) argv.push("--max-budget-usd", String(options.maxBudgetUsd));

  // Options that take a list swallow the arguments behind them, unless their value is part of the same argument.
  const disallowed = [...(options.disallowedTools ?? [])];
  if (!input.answersQuestions) disallowed.push("AskUserQuestion");
  for (const rule of options.allowedTools ?? []) argv.push(`--allowedTools=${rule}`);
  for (const rule of disallowed) argv.push(`--disallowedTools=${rule}`);

  const sources = options.settingSources ?? defaultSources[input.permissions];
  if (sources !== undefined) argv.push(`--setting-sources=${sources.join(",")}`);
  const readsProject = sources?.some((source) => source === "project") ?? true;
  if (!readsProject) argv.push(`--add-dir=${input.cwd}`);

  if (options.settings !== undefined) {
    files.push({ path: `${folder}/settings.json`, content: JSON.stringify(options.settings) });
    argv.push("--settings", `${folder}/settings.json`);
  }
  argv.push("--strict-mcp-config");
  if (Object.keys(input.mcpServers).length > 0) {
    files.push({ path: `${folder}/mcp.json`, content: JSON.stringify(mcpConfig(input.mcpServers)) });
    argv.push(`--mcp-config=${folder}/mcp.json`);
  }
  argv.push(...(options.extraArgs ?? []));
  return { argv, env: environmentOf(options, input, readsProject), files };
}

function commandOf(options: ClaudeOptions, input: LaunchInput): readonly [string, ...string[]] {
  const { command } = options;
  if (command === undefined) return [input.executable];
  return typeof command === "string" ? [command] : command;
}

function permissionModeOf(options: ClaudeOptions, input: LaunchInput): string {
  return options.permissionMode ?? (input.permissions === "allow-all" ? "bypassPermissions" : "default");
}

function environmentOf(options: ClaudeOptions, input: LaunchInput, readsProject: boolean): Environment {
  const defaults: { [name: string]: string } = {
    ...defaultEnvironment,
    CLAUDE_CONFIG_DIR: `${input.stateDirectory}/config`,
    CLAUDE_AGENT_SDK_CLIENT_APP: `playpen/${input.libraryVersion}`,
  };
  // An added folder's CLAUDE.md is read even where the settings of the project are not.
  if (!readsProject) defaults["CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD"] = "1";
  if (options.maxThinkingTokens !== undefined) {
    defaults["MAX_THINKING_TOKENS"] = String(options.maxThinkingTokens);
  }
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => input.env[name] === undefined));
}

function mcpConfig(servers: McpServers): JsonObject {
  const mcpServers: { [name: string]: JsonObject } = {};
  for (const [name, server] of Object.entries(servers)) {
    mcpServers[name] =
      server.type === "stdio"
        ? { type: "stdio", command: server.command, args: server.args ?? [], env: server.env ?? {} }
        : { type: "http", url: server.url, headers: server.headers ?? {} };
  }
  return { mcpServers };
}
