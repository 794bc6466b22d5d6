import {
  backendOptionChecks,
  isJsonObject,
  isPositiveInteger,
  isString,
  isStringArray,
  refuseReserved,
  validateOptions,
  type BackendOptions,
  type JsonObject,
  type OptionCheck,
} from "../../src/kit.ts";

/** Options of `qwen()`. */
export interface QwenOptions extends BackendOptions {
  /** Model name, for example `qwen3-coder-plus`. Default: `OPENAI_MODEL` of the environment, else the CLI's own. */
  readonly model?: string;
  /**
   * Address of an API that speaks OpenAI's chat completions, for example
   * `https://dashscope-intl.aliyuncs.com/compatible-mode/v1`. Default: `OPENAI_BASE_URL` of the environment, else
   * OpenAI's own.
   */
  readonly baseUrl?: string;
  /** Key for the model's API; default: `OPENAI_API_KEY` of the environment. It never appears in an argument. */
  readonly apiKey?: string;
  /** Further models at the same address, that a session can be switched to. */
  readonly models?: readonly string[];
  /** The context window of the models, in tokens: it decides when the conversation is compacted. Default: what the CLI knows of the model, else 131,072. */
  readonly contextWindow?: number;
  /** How often a request to the model is repeated. Default: the CLI's own, 3. It adds further ones for status 429 and 5xx. */
  readonly maxRetries?: number;
  /** Most rounds of tool use in one turn. */
  readonly maxSessionTurns?: number;
  /**
   * Settings as in the user's `settings.json` of the CLI; those of the project win over them, and the library's over
   * both. Hooks, further MCP servers and rules that allow a call apply only where every tool call is allowed.
   */
  readonly settings?: JsonObject;
}

const isApiKey: OptionCheck = (value) =>
  // Anything else cannot be sent in a header.
  typeof value === "string" && /^[\x21-\x7e]+$/.test(value)
    ? undefined
    : "a key of printable ASCII characters without blanks";

const isSettings: OptionCheck = (value) =>
  isJsonObject(value) ? undefined : "an object such as { model: { sessionTokenLimit: 100000 } }";

const isCount: OptionCheck = (value) =>
  value === 0 || isPositiveInteger(value) === undefined ? undefined : "a whole number, 0 or above";

const areModels: OptionCheck = (value) =>
  isStringArray(value) === undefined &&
  Array.isArray(value) &&
  value.every((item) => isString(item) === undefined)
    ? undefined
    : 'an array of names such as ["qwen3-coder-plus", "qwen3-coder-flash"]';

const checks: { readonly [Name in keyof Required<QwenOptions>]: OptionCheck } = {
  ...backendOptionChecks,
  apiKey: isApiKey,
  models: areModels,
  contextWindow: isPositiveInteger,
  maxRetries: isCount,
  maxSessionTurns: isPositiveInteger,
  settings: isSettings,
};

/** Arguments that would undo what the library relies on, by what to use instead. */
const reservedArguments: { readonly [flag: string]: string } = {
  "--acp": "the library chooses how to speak with the CLI",
  "--experimental-acp": "the library chooses how to speak with the CLI",
  "--input-format": "the library writes the CLI's input",
  "-o": "the library reads the CLI's output",
  "--output-format": "the library reads the CLI's output",
  "--include-partial-messages": "it is always set",
  "--json-schema": 'use the prompt\'s option "output"',
  "-p": "no prompt is passed by argument",
  "--prompt": "no prompt is passed by argument",
  "-i": "no prompt is passed by argument",
  "--prompt-interactive": "no prompt is passed by argument",
  "-m": 'use the option "model"',
  "--model": 'use the option "model"',
  "--auth-type": "the library passes a key for an API of OpenAI's kind",
  "--openai-api-key": 'use the option "apiKey"',
  "--openai-base-url": 'use the option "baseUrl"',
  "-y": 'use the session\'s option "permissions"',
  "--yolo": 'use the session\'s option "permissions"',
  "--approval-mode": 'use the session\'s options "permissions" and "agentMode"',
  "--allowed-tools": 'use the session\'s option "permissions"',
  "--exclude-tools": 'use the session\'s option "allowedTools"',
  "--core-tools": 'use the session\'s option "allowedTools"',
  "--mcp-config": 'use the session\'s option "mcpServers"',
  "--allowed-mcp-server-names": 'use the session\'s option "mcpServers"',
  "--system-prompt": 'use the session\'s option "systemPrompt"',
  "--append-system-prompt": 'use the session\'s option "systemPrompt"',
  "--max-session-turns": 'use the option "maxSessionTurns"',
  "--bare": "the library's own settings would be ignored",
  "--chat-recording": "the session could not be resumed",
  "--no-chat-recording": "the session could not be resumed",
  "-c": "resume a session by the library",
  "--continue": "resume a session by the library",
  "-r": "resume a session by the library",
  "--resume": "resume a session by the library",
  "--session-id": "the library chooses it",
  "-s": "the agent runs in a sandbox already",
  "--sandbox": "the agent runs in a sandbox already",
  "-l": "the CLI would end at once",
  "--list-extensions": "the CLI would end at once",
  "-h": "the CLI would end at once",
  "--help": "the CLI would end at once",
  "-v": "the CLI would end at once",
  "--version": "the CLI would end at once",
  "--": "no prompt is passed by argument",
};

/**
 * Checks the options of `qwen()`.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function checkQwenOptions(options: QwenOptions): void {
  validateOptions("qwen()", options, checks);
  refuseReserved("qwen()", options.extraArgs, reservedArguments);
}
