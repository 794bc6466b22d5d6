import {
  backendOptionChecks,
  isBoolean,
  isJsonObject,
  isOneOf,
  type BackendOptions,
  type OptionCheck,
  refuseReserved,
  validateOptions,
} from "../../src/kit.ts";
import { isTomlValue, type TomlValue } from "./toml.ts";

/** What Codex lets its commands do inside the sandbox that it makes itself. */
export type CodexSandboxMode = "read-only" | "workspace-write" | "danger-full-access";
/** How much Codex tells of what the model thought. */
export type CodexReasoningSummary = "auto" | "concise" | "detailed" | "none";

/** Options of `codex()`. */
export interface CodexOptions extends BackendOptions {
  /** Key for the model's API; default: `CODEX_API_KEY` or `OPENAI_API_KEY` of the environment. */
  readonly apiKey?: string;
  /**
   * A level that the model knows, such as `"low"`, `"medium"` or `"high"`. Default: the model's own. A session's `thinking`
   * goes before it.
   */
  readonly reasoningEffort?: string;
  /** Default: the CLI's own, which is `"auto"`. */
  readonly reasoningSummary?: CodexReasoningSummary;
  /**
   * What the CLI's own sandbox lets commands do, inside the sandbox that the agent runs in anyway. Default
   * `"danger-full-access"`: nothing is held back twice. `"read-only"` where all calls are denied.
   */
  readonly sandboxMode?: CodexSandboxMode;
  /**
   * Whether the `.codex` folder of the working directory applies: its MCP servers, hooks and settings run commands
   * that nobody is asked about. Default: only where every call of every tool is allowed. `AGENTS.md` is read in any case.
   */
  readonly trustProject?: boolean;
  /**
   * Settings as in the CLI's `config.toml`, by dotted path; they win over the library's own. They are visible in the
   * list of processes: no secrets here.
   */
  readonly config?: { readonly [path: string]: TomlValue };
}

const isApiKey: OptionCheck = (value) =>
  // Anything else cannot be sent in a header.
  typeof value === "string" && /^[\x21-\x7e]+$/.test(value)
    ? undefined
    : "a key of printable ASCII characters without blanks";

const isEffort: OptionCheck = (value) =>
  typeof value === "string" && /^[a-z]+$/.test(value)
    ? undefined
    : 'a level such as "low", "medium" or "high"';

const isConfig: OptionCheck = (value) => {
  if (!isJsonObject(value)) return 'an object such as { "features.web_search": true }';
  for (const [path, item] of Object.entries(value)) {
    if (!/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/.test(path)) {
      return `an object whose names are dotted paths of letters, digits, _ and - (not ${JSON.stringify(path)})`;
    }
    if (!isTomlValue(item)) return `an object of strings, finite numbers, booleans, arrays and objects`;
  }
  return undefined;
};

const checks: { readonly [Name in keyof Required<CodexOptions>]: OptionCheck } = {
  ...backendOptionChecks,
  apiKey: isApiKey,
  reasoningEffort: isEffort,
  reasoningSummary: isOneOf("auto", "concise", "detailed", "none"),
  sandboxMode: isOneOf("read-only", "workspace-write", "danger-full-access"),
  trustProject: isBoolean,
  config: isConfig,
};

/** Arguments that would undo what the library relies on, by what to use instead. */
const reservedArguments: { readonly [flag: string]: string } = {
  "--listen": "the library speaks over standard input and output",
  "--stdio": "it is always so",
  "--json": "the library reads the CLI's output",
  "-m": 'use the option "model"',
  "--model": 'use the option "model"',
  "-s": 'use the option "sandboxMode"',
  "--sandbox": 'use the option "sandboxMode"',
  "--approve-for-me": 'use the session\'s option "permissions"',
  "--dangerously-bypass-approvals-and-sandbox": 'use the session\'s option "permissions"',
  "--dangerously-bypass-hook-trust": 'use the session\'s option "permissions"',
  "--ignore-user-config": "the library's own settings would be ignored",
  "--output-schema": 'use the option "schema" of prompt()',
  "--ephemeral": "the session could not be resumed",
  "-C": "the agent works in the session's cwd",
  "--cd": "the agent works in the session's cwd",
  "--worktree": "the agent works in the session's cwd",
  "-h": "the CLI would end at once",
  "--help": "the CLI would end at once",
  "-V": "the CLI would end at once",
  "--version": "the CLI would end at once",
  "--": "no prompt is passed by argument",
};

/**
 * Checks the options of `codex()`.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function checkCodexOptions(options: CodexOptions): void {
  validateOptions("codex()", options, checks);
  refuseReserved("codex()", options.extraArgs, reservedArguments);
}
