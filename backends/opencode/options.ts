import {
  backendOptionChecks,
  isBoolean,
  isJsonObject,
  isPositiveInteger,
  isString,
  isStringArray,
  refuseReserved,
  show,
  validateOptions,
  type BackendOptions,
  type JsonObject,
  type OptionCheck,
} from "../../src/kit.ts";

/** Options of `opencode()`. */
export interface OpencodeOptions extends BackendOptions {
  /**
   * Model name: the provider, a slash, and the provider's own name, for example `anthropic/claude-sonnet-4-5`. With
   * `baseUrl` only the name that the server at that address knows. Default: OpenCode chooses among the providers it has
   * a credential for, never its own hosted models.
   */
  readonly model?: string;
  /** Address of an API that speaks OpenAI's chat completions, for example `http://127.0.0.1:11434/v1`. Needs a `model`. */
  readonly baseUrl?: string;
  /**
   * Key for the model's API. Default: the environment variable of the model's provider; with `baseUrl`
   * `OPENAI_API_KEY`, or none. It appears in no argument.
   */
  readonly apiKey?: string;
  /** Further names of models at `baseUrl`, that a session can be switched to. */
  readonly models?: readonly string[];
  /** The context window of the models at `baseUrl`, in tokens. Default: unknown, so that nothing is compacted before it is full. */
  readonly contextWindow?: number;
  /** The longest answer of the models at `baseUrl`, in tokens. Default: OpenCode's own, 32,000. */
  readonly maxOutputTokens?: number;
  /**
   * Settings as in OpenCode's `opencode.json`, for example further providers, agents, plugins and commands. They win
   * over the library's own; where every tool call is allowed, the project's win over them.
   */
  readonly config?: JsonObject;
  /**
   * Whether the `opencode.json` and `.opencode` of the working directory apply: their plugins, tools, MCP servers and
   * commands run what nobody is asked about. Default: only where every tool call is allowed. `AGENTS.md` of the
   * working directory is read in any case.
   */
  readonly projectConfig?: boolean;
}

const isApiKey: OptionCheck = (value) =>
  // Anything else cannot be sent in a header.
  typeof value === "string" && /^[\x21-\x7e]+$/.test(value)
    ? undefined
    : "a key of printable ASCII characters without blanks";

const isConfig: OptionCheck = (value) =>
  isJsonObject(value) ? undefined : 'an object such as { share: "disabled" }';

const areModels: OptionCheck = (value) =>
  isStringArray(value) === undefined &&
  Array.isArray(value) &&
  value.every((item) => isString(item) === undefined)
    ? undefined
    : 'an array of names such as ["small", "large"]';

const checks: { readonly [Name in keyof Required<OpencodeOptions>]: OptionCheck } = {
  ...backendOptionChecks,
  apiKey: isApiKey,
  models: areModels,
  contextWindow: isPositiveInteger,
  maxOutputTokens: isPositiveInteger,
  config: isConfig,
  projectConfig: isBoolean,
};

/** Arguments that would undo what the library relies on, by what to use instead. */
const reservedArguments: { readonly [flag: string]: string } = {
  "--format": "the library reads the CLI's output",
  "--cwd": "the agent works in the session's cwd",
  "--dir": "the agent works in the session's cwd",
  "-m": 'use the option "model"',
  "--model": 'use the option "model"',
  "--variant": 'use the session\'s option "thinking"',
  "--agent": 'use the session\'s option "agentMode", or "config" with default_agent',
  "--auto": 'use the session\'s option "permissions"',
  "--yolo": 'use the session\'s option "permissions"',
  "--dangerously-skip-permissions": 'use the session\'s option "permissions"',
  "-c": "resume a session by the library",
  "--continue": "resume a session by the library",
  "-s": "resume a session by the library",
  "--session": "resume a session by the library",
  "--fork": "fork a session by the library",
  "--command": "no command is passed by argument",
  "-f": "pass files with the prompt",
  "--file": "pass files with the prompt",
  "--attach": "the CLI must run in the sandbox itself",
  "-i": "the library speaks over standard input and output",
  "--interactive": "the library speaks over standard input and output",
  "--pure": "the library's own plugin would not be loaded",
  "--share": "sessions are not shared",
  "-h": "the CLI would end at once",
  "--help": "the CLI would end at once",
  "-v": "the CLI would end at once",
  "--version": "the CLI would end at once",
  "--": "no prompt is passed by argument",
};

const needBaseUrl = ["models", "contextWindow", "maxOutputTokens"] as const;

/**
 * Checks the options of `opencode()`.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function checkOpencodeOptions(options: OpencodeOptions): void {
  validateOptions("opencode()", options, checks);
  refuseReserved("opencode()", options.extraArgs, reservedArguments);
  const { baseUrl, model } = options;
  for (const name of needBaseUrl) {
    if (baseUrl !== undefined || options[name] === undefined) continue;
    throw new TypeError(
      `opencode(): option "${name}" is of use only with "baseUrl", received ${show(options[name])}. For other models use "config".`,
    );
  }
  if (baseUrl !== undefined || model === undefined) return;
  const problem = vendorModelProblem(model);
  if (problem !== undefined) throw new TypeError(`opencode(): option "model" is ${show(model)}: ${problem}.`);
}

/** What is wrong with the name of a model that is not the caller's own. */
export function vendorModelProblem(model: string): string | undefined {
  if (/^[^/\s]+\/\S+$/.test(model)) return undefined;
  return 'OpenCode names models by provider and model, for example "anthropic/claude-sonnet-4-5"';
}
