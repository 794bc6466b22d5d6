import type { Environment, JsonObject, Launch, LaunchFile, LaunchInput, McpServers } from "../../src/kit.ts";
import { AllowedTools } from "./allowed-tools.ts";
import { answerSchema } from "./answer-schema.ts";
import type { ClaudeOptions } from "./options.ts";
import { skillFiles } from "./session-skills.ts";

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

/** Where nothing is refused, the project's settings apply too: they may run commands and switch hooks off. */
function isFree({ permissions, allowedTools }: LaunchInput): boolean {
  return permissions === "allow-all" && allowedTools === undefined;
}

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
  argv.push(...new AllowedTools(input.allowedTools, input.mcpServers).arguments);
  const disallowed = [...(options.disallowedTools ?? [])];
  if (!input.answersQuestions) disallowed.push("AskUserQuestion");
  for (const rule of options.allowedTools ?? []) argv.push(`--allowedTools=${rule}`);
  for (const rule of disallowed) argv.push(`--disallowedTools=${rule}`);

  const sources = options.settingSources ?? (isFree(input) ? undefined : ["user"]);
  if (sources !== undefined) argv.push(`--setting-sources=${sources.join(",")}`);
  const readsProject = sources?.some((source) => source === "project") ?? true;
  if (!readsProject) argv.push(`--add-dir=${input.cwd}`);

  const settings = settingsOf(options, input);
  if (settings !== undefined) {
    files.push({ path: `${folder}/settings.json`, content: JSON.stringify(settings) });
    argv.push("--settings", `${folder}/settings.json`);
  }
  if (input.skills !== undefined && input.skills.length > 0) {
    files.push(...skillFiles(`${folder}/plugin`, input.skills, input.libraryVersion));
    argv.push(`--plugin-dir=${folder}/plugin`);
  }
  argv.push("--strict-mcp-config");
  if (Object.keys(input.mcpServers).length > 0) {
    files.push({ path: `${folder}/mcp.json`, content: JSON.stringify(mcpConfig(input.mcpServers)) });
    argv.push(`--mcp-config=${folder}/mcp.json`);
  }
  const schema = input.turn?.outputSchema && answerSchema(input.turn.outputSchema);
  if (schema !== undefined) argv.push("--json-schema", JSON.stringify(schema));
  argv.push(...(options.extraArgs ?? []));
  // Of several the last one counts: the session's wish before the backend's.
  if (input.thinking !== undefined) argv.push("--effort", input.thinking);
  return { argv, env: environmentOf(options, input, readsProject), files };
}

function commandOf(options: ClaudeOptions, input: LaunchInput): readonly [string, ...string[]] {
  const { command } = options;
  if (command === undefined) return [input.executable];
  return typeof command === "string" ? [command] : command;
}

function permissionModeOf(options: ClaudeOptions, input: LaunchInput): string {
  return input.agentMode ?? options.permissionMode ?? (isFree(input) ? "bypassPermissions" : "default");
}

function settingsOf(options: ClaudeOptions, input: LaunchInput): JsonObject | undefined {
  if (input.permissions === "allow-all") return options.settings;
  // A skill may hold commands that are run when it is read, which no hook hears of.
  return { disableSkillShellExecution: true, ...options.settings };
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
