import {
  backendOptionChecks,
  isBoolean,
  isOneOf,
  refuseReserved,
  validateOptions,
  type BackendOptions,
  type OptionCheck,
} from "../../src/kit.ts";

/** Options of `cursor()`. */
export interface CursorOptions extends Omit<BackendOptions, "baseUrl" | "install" | "mode"> {
  /** Only `"turn"`, which is the default: one process per turn. */
  readonly mode?: "turn";
  /** Default: `CURSOR_API_KEY` of the environment. It never appears in an argument. */
  readonly apiKey?: string;
  /** Whether the MCP servers of the sandbox's own files are started without being approved. Default `false`. */
  readonly approveMcpServers?: boolean;
  /** Only `false`: the CLI is not on npm. */
  readonly install?: false;
}

const isSecret: OptionCheck = (value) =>
  // Anything else cannot be sent in a header.
  typeof value === "string" && /^[\x21-\x7e]+$/.test(value)
    ? undefined
    : "a text of printable ASCII characters without blanks";

const ofCursorAlone: OptionCheck = () =>
  "left out, since models are reached only through Cursor's own service";

const neverInstalled: OptionCheck = (value) =>
  value === false
    ? undefined
    : 'false or left out, since the CLI is not on npm: put it into the sandbox\'s image by the script of https://cursor.com/install, then on its PATH or into the option "command"';

const checks: { readonly [name: string]: OptionCheck } = {
  ...backendOptionChecks,
  mode: isOneOf("turn"),
  baseUrl: ofCursorAlone,
  install: neverInstalled,
  apiKey: isSecret,
  approveMcpServers: isBoolean,
} satisfies { readonly [Name in keyof Required<CursorOptions> | "baseUrl"]: OptionCheck };

const promptByStdin = "the prompt goes over standard input";
const readsOutput = "the library reads the CLI's output";
const usePermissions = 'use the session\'s option "permissions"';
const useAgentMode = 'use the session\'s option "agentMode"';
const useResume = "resume a session by the library";
const useApiKey = 'use the option "apiKey"';
const staysHere = "the agent works in the session's cwd";
const endsAtOnce = "the CLI would end at once";

/** Arguments the library sets itself, by what to use instead. */
const reservedArguments: { readonly [flag: string]: string } = {
  "-p": promptByStdin,
  "--print": promptByStdin,
  "--output-format": readsOutput,
  "--stream-partial-output": readsOutput,
  "--resume": useResume,
  "--continue": useResume,
  "--new-session-id": useResume,
  "-m": 'use the option "model"',
  "--model": 'use the option "model"',
  "-f": usePermissions,
  "--force": usePermissions,
  "--yolo": usePermissions,
  "--auto-review": usePermissions,
  "--trust": usePermissions,
  "--mode": useAgentMode,
  "--plan": useAgentMode,
  "--approve-mcps": 'use the option "approveMcpServers"',
  "--api-key": useApiKey,
  "--auth-token": useApiKey,
  "--workspace": staysHere,
  "-w": staysHere,
  "--worktree": staysHere,
  "-b": staysHere,
  "--background": staysHere,
  "-c": staysHere,
  "--cloud": staysHere,
  "--list-models": endsAtOnce,
  "-h": endsAtOnce,
  "--help": endsAtOnce,
  "-v": endsAtOnce,
  "--version": endsAtOnce,
  "--": "no prompt is passed by argument",
};

/**
 * Checks the options of `cursor()`.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function checkCursorOptions(options: CursorOptions): void {
  validateOptions("cursor()", options, checks);
  refuseReserved("cursor()", options.extraArgs, reservedArguments);
}
