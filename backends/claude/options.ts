import {
  backendOptionChecks,
  isJsonObject,
  isOneOf,
  isPositiveInteger,
  isPositiveNumber,
  isArgument,
  isStringArray,
  refuseReserved,
  type BackendOptions,
  type JsonObject,
  type OptionCheck,
  validateOptions,
} from "../../src/kit.ts";

/** Where the CLI reads settings, commands and skills from, beside what the library passes. */
export type ClaudeSettingSource = "user" | "project" | "local";

/** The modes of Claude Code in which it asks for more or fewer permissions. */
export type ClaudePermissionMode = "default" | "acceptEdits" | "plan" | "bypassPermissions";

/** Options of `claude()`. */
export interface ClaudeOptions extends BackendOptions {
  /** Key for the model's API; default: `ANTHROPIC_API_KEY` of the environment. It never appears in an argument. */
  readonly apiKey?: string;
  /**
   * The CLI's own mode. The session's `permissions` decide over every tool call all the same: this only changes how
   * the agent goes about its work, for example `"plan"`. Default: the session's `agentMode`, or
   * `"bypassPermissions"` where all calls of all tools are allowed, otherwise `"default"`.
   */
  readonly permissionMode?: ClaudePermissionMode;
  /** Most rounds of tool use in one turn; the turn then completes with the stop reason `"max_turns"`. */
  readonly maxTurns?: number;
  /** Most US dollars for one process of the CLI; a turn that would pass it fails with `budget_exceeded`. */
  readonly maxBudgetUsd?: number;
  /**
   * Rules such as `"Bash(git *)"` that the CLI need not ask for. The session's `permissions` are asked all the same. It is
   * the session's `allowedTools` that confines the agent.
   */
  readonly allowedTools?: readonly string[];
  /** Tools that the agent is not offered, or rules for calls that are denied. */
  readonly disallowedTools?: readonly string[];
  /** Tokens for extended thinking, 0 to switch it off. Models that set their own budget take only the 0. */
  readonly maxThinkingTokens?: number;
  /** Settings as in the CLI's `settings.json`; they win over those of user and project. */
  readonly settings?: JsonObject;
  /**
   * Which settings of the sandbox apply, and with them whose commands, skills and sub-agents. Default: all where every
   * call of every tool is allowed; otherwise `["user"]`, since the hooks, key helpers and environment variables of a project's
   * settings run commands that nobody was asked about. The project's `CLAUDE.md` is read in any case.
   */
  readonly settingSources?: readonly ClaudeSettingSource[];
  /** Model to turn to when the chosen one is overloaded or not available. */
  readonly fallbackModel?: string;
}

const settingSources: readonly unknown[] = ["user", "project", "local"] satisfies ClaudeSettingSource[];

const isTokenBudget: OptionCheck = (value) =>
  value === 0 || isPositiveInteger(value) === undefined ? undefined : "a whole number, 0 or above";

const isSettings: OptionCheck = (value) =>
  isJsonObject(value) ? undefined : 'an object such as { outputStyle: "Explanatory" }';

const areSettingSources: OptionCheck = (value) =>
  Array.isArray(value) && value.every((item) => settingSources.includes(item))
    ? undefined
    : 'an array of "user", "project" and "local"';

const isApiKey: OptionCheck = (value) =>
  // Anything else cannot be sent in a header, and the CLI reports it only as an invalid key.
  typeof value === "string" && /^[\x21-\x7e]+$/.test(value)
    ? undefined
    : "a key of printable ASCII characters without blanks";

const areRules: OptionCheck = (value) =>
  isStringArray(value) === undefined &&
  Array.isArray(value) &&
  value.every((item) => typeof item === "string" && item.trim() !== "")
    ? undefined
    : 'an array of rules such as "Bash(git *)"';

const checks: { readonly [Name in keyof Required<ClaudeOptions>]: OptionCheck } = {
  ...backendOptionChecks,
  apiKey: isApiKey,
  permissionMode: isOneOf("default", "acceptEdits", "plan", "bypassPermissions"),
  maxTurns: isPositiveInteger,
  maxBudgetUsd: isPositiveNumber,
  allowedTools: areRules,
  disallowedTools: areRules,
  maxThinkingTokens: isTokenBudget,
  settings: isSettings,
  settingSources: areSettingSources,
  fallbackModel: isArgument,
};

/** Arguments the library sets itself, by what to use instead. */
const reservedArguments: { readonly [flag: string]: string } = {
  "-p": "it is always set",
  "--print": "it is always set",
  "--output-format": "the library reads the CLI's output",
  "--input-format": "the library writes the CLI's input",
  "--verbose": "it is always set",
  "--replay-user-messages": "it is always set",
  "--permission-prompt-tool": "the library answers permissions",
  "--permission-prompts": "the library answers permissions",
  "--session-id": "the library chooses it",
  "-r": "resume a session by the library",
  "--resume": "resume a session by the library",
  "-c": "resume a session by the library",
  "--continue": "resume a session by the library",
  "--from-pr": "resume a session by the library",
  "--fork-session": "fork a session by the library",
  "--no-session-persistence": "the session could not be resumed",
  "--model": 'use the option "model"',
  "--fallback-model": 'use the option "fallbackModel"',
  "--permission-mode": 'use the option "permissionMode"',
  "--dangerously-skip-permissions": 'use the session\'s option "permissions"',
  "--allow-dangerously-skip-permissions": 'use the session\'s option "permissions"',
  "--allowedTools": 'use the option "allowedTools"',
  "--allowed-tools": 'use the option "allowedTools"',
  "--disallowedTools": 'use the option "disallowedTools"',
  "--disallowed-tools": 'use the option "disallowedTools"',
  "--tools": 'use the session\'s option "allowedTools"',
  "--json-schema": 'use the option "schema" of prompt()',
  "--max-turns": 'use the option "maxTurns"',
  "--max-budget-usd": 'use the option "maxBudgetUsd"',
  "--max-thinking-tokens": 'use the option "maxThinkingTokens"',
  "--settings": 'use the option "settings"',
  "--setting-sources": 'use the option "settingSources"',
  "--mcp-config": 'use the session\'s option "mcpServers"',
  "--strict-mcp-config": "it is always set",
  "--system-prompt": 'use the session\'s option "systemPrompt"',
  "--system-prompt-file": 'use the session\'s option "systemPrompt"',
  "--append-system-prompt": 'use the session\'s option "systemPrompt"',
  "--append-system-prompt-file": 'use the session\'s option "systemPrompt"',
  "-w": "the agent works in the session's cwd",
  "--worktree": "the agent works in the session's cwd",
  "--tmux": "the CLI must stay in the foreground",
  "--bg": "the CLI must stay in the foreground",
  "--background": "the CLI must stay in the foreground",
  "-h": "the CLI would end at once",
  "--help": "the CLI would end at once",
  "-v": "the CLI would end at once",
  "--version": "the CLI would end at once",
  "--": "no prompt is passed by argument",
};

/**
 * Checks the options of `claude()`.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function checkClaudeOptions(options: ClaudeOptions): void {
  validateOptions("claude()", options, checks);
  refuseReserved("claude()", options.extraArgs, reservedArguments);
}
