import {
  backendOptionChecks,
  isBoolean,
  isJsonObject,
  isString,
  refuseReserved,
  validateOptions,
  type BackendOptions,
  type JsonObject,
  type OptionCheck,
} from "../../src/kit.ts";

/** Options of `gemini()`. */
export interface GeminiOptions extends BackendOptions {
  /** Key for the Gemini API; default: `GEMINI_API_KEY` of the environment. It never appears in an argument. */
  readonly apiKey?: string;
  /**
   * Whether the `.gemini` folder of the working directory applies, also where not every call is allowed: its settings
   * and variables start servers and run commands that nobody is asked about. Default: only where every tool call is
   * allowed. Elsewhere a folder that has none is trusted; in one that has, `GEMINI.md` is not read either, and MCP
   * servers are refused.
   */
  readonly trustProject?: boolean;
  /** Settings as in the CLI's `settings.json`; they win over the library's own. */
  readonly settings?: JsonObject;
}

const isSettings: OptionCheck = (value) =>
  isJsonObject(value) ? undefined : 'an object such as { "model": { "maxSessionTurns": 20 } }';

const checks: { readonly [Name in keyof Required<GeminiOptions>]: OptionCheck } = {
  ...backendOptionChecks,
  apiKey: isString,
  trustProject: isBoolean,
  settings: isSettings,
};

const byPermissions = 'use the session\'s option "permissions"';
const byLibrary = "the library sets it itself";
const atOnce = "the CLI would end at once";

/** Arguments that would undo what the library relies on, by what to do instead. */
const reservedArguments: { readonly [flag: string]: string } = {
  "--acp": 'use the option "mode"',
  "--experimental-acp": 'use the option "mode"',
  "-o": byLibrary,
  "--output-format": byLibrary,
  "-m": 'use the option "model"',
  "--model": 'use the option "model"',
  "-p": "no prompt is passed by argument",
  "--prompt": "no prompt is passed by argument",
  "-i": "no prompt is passed by argument",
  "--prompt-interactive": "no prompt is passed by argument",
  "--": "no prompt is passed by argument",
  "-r": 'use the session\'s option "resume"',
  "--resume": 'use the session\'s option "resume"',
  "--session-id": byLibrary,
  "--session-file": 'use the session\'s option "resume"',
  "-y": byPermissions,
  "--yolo": byPermissions,
  "--approval-mode": byPermissions,
  "--policy": byPermissions,
  "--admin-policy": byPermissions,
  "--allowed-tools": 'use the session\'s option "allowedTools"',
  "--skip-trust": 'use the option "trustProject"',
  "-s": "the agent is in a sandbox already",
  "--sandbox": "the agent is in a sandbox already",
  "-w": "the agent works in the session's cwd",
  "--worktree": "the agent works in the session's cwd",
  "-l": atOnce,
  "--list-extensions": atOnce,
  "--list-sessions": atOnce,
  "--delete-session": atOnce,
  "-h": atOnce,
  "--help": atOnce,
  "-v": atOnce,
  "--version": atOnce,
};

/**
 * Checks the options of `gemini()`.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function checkGeminiOptions(options: GeminiOptions): void {
  validateOptions("gemini()", options, checks);
  refuseReserved("gemini()", options.extraArgs, reservedArguments);
}
