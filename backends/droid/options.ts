import {
  backendOptionChecks,
  isBoolean,
  isJsonObject,
  isOneOf,
  isPositiveInteger,
  isString,
  refuseReserved,
  show,
  validateOptions,
  type BackendOptions,
  type JsonObject,
  type OptionCheck,
} from "../../src/kit.ts";

/** The API that a server of the caller's own speaks. */
export type DroidApi = "openai-completions" | "openai-responses" | "anthropic-messages";

/** A model that a server of the caller's own serves. */
export interface DroidModel {
  /** As the server calls it. */
  readonly id: string;
  readonly name?: string;
  /** Whether it can think before it answers; only then a session's `thinking` has an effect. Default `false`. */
  readonly reasoning?: boolean;
  /** Whether it takes images. Default `true`. */
  readonly images?: boolean;
  /** In tokens. Default: the CLI's own. */
  readonly contextWindow?: number;
  /** Most tokens of one answer. Default 16,384. */
  readonly maxTokens?: number;
}

/** Options of `droid()`. */
export interface DroidOptions extends BackendOptions {
  /**
   * The key: Factory's, or the one of the server at `baseUrl`. Default: `FACTORY_API_KEY`, or `DROID_PROVIDER_API_KEY`,
   * of the environment. It never appears in an argument or a file.
   */
  readonly apiKey?: string;
  /** The API that `baseUrl` speaks; default `"openai-completions"`. For Anthropic's, the address ends before `/v1`. */
  readonly api?: DroidApi;
  /** The models that `baseUrl` serves, beside the one of the option `model`. A name alone suffices. */
  readonly models?: readonly (string | DroidModel)[];
  /**
   * Whether hooks and MCP servers of the working directory's `.factory` folder apply: they run commands that nobody is
   * asked about. Default: only where every tool call is allowed. `AGENTS.md` is read in any case.
   */
  readonly trustProject?: boolean;
  /** Settings as in the CLI's `settings.json`. */
  readonly settings?: JsonObject;
}

const isApiKey: OptionCheck = (value) =>
  // Anything else cannot be sent in a header.
  typeof value === "string" && /^[\x21-\x7e]+$/.test(value)
    ? undefined
    : "a key of printable ASCII characters without blanks";

const isSettings: OptionCheck = (value) =>
  isJsonObject(value) ? undefined : "an object such as { includeCoAuthoredByDroid: false }";

const modelChecks: { readonly [Name in keyof Required<DroidModel>]: OptionCheck } = {
  id: isString,
  name: isString,
  reasoning: isBoolean,
  images: isBoolean,
  contextWindow: isPositiveInteger,
  maxTokens: isPositiveInteger,
};

const areModels: OptionCheck = (value) => {
  if (!Array.isArray(value)) return 'an array of models such as "qwen3" or { id: "qwen3", reasoning: true }';
  for (const model of value as readonly unknown[]) {
    if (isString(model) === undefined) continue;
    if (!isJsonObject(model) || model["id"] === undefined)
      return `an array of names, or objects with an id (not ${show(model)})`;
    for (const [name, item] of Object.entries(model)) {
      const check = Object.hasOwn(modelChecks, name) ? modelChecks[name as keyof DroidModel] : undefined;
      if (check === undefined)
        return `an array of models that have ${Object.keys(modelChecks).join(", ")} (not ${name})`;
      const expected = item === undefined ? undefined : check(item);
      if (expected !== undefined)
        return `an array of models whose ${name} is ${expected} (not ${show(item)})`;
    }
  }
  return undefined;
};

const checks: { readonly [Name in keyof Required<DroidOptions>]: OptionCheck } = {
  ...backendOptionChecks,
  apiKey: isApiKey,
  api: isOneOf("openai-completions", "openai-responses", "anthropic-messages"),
  models: areModels,
  trustProject: isBoolean,
  settings: isSettings,
};

const byLibrary = "resume or fork a session by the library";
const usePermissions = 'use the session\'s option "permissions"';
const useAllowedTools = 'use the session\'s option "allowedTools"';
const useSystemPrompt = 'use the session\'s option "systemPrompt"';
const useAgentMode = 'use the session\'s option "agentMode"';
const useModel = 'use the option "model"';
const noPrompt = "no prompt is passed by argument";
const atOnce = "the CLI would end at once";
const theProtocol = "the library speaks the CLI's protocol";

/** Arguments the library sets itself, or whose effect it replaces, by what to use instead. */
const reservedArguments: { readonly [flag: string]: string } = {
  "--input-format": theProtocol,
  "--output-format": theProtocol,
  "-o": theProtocol,
  "--file": noPrompt,
  "-f": noPrompt,
  "--": noPrompt,
  "--auto": usePermissions,
  "--skip-permissions-unsafe": usePermissions,
  "--session-id": byLibrary,
  "-s": byLibrary,
  "--fork": byLibrary,
  "--model": useModel,
  "-m": useModel,
  "--spec-model": useModel,
  "--reasoning-effort": 'use the session\'s option "thinking"',
  "-r": 'use the session\'s option "thinking"',
  "--use-spec": useAgentMode,
  "--mission": "the library holds one conversation",
  "--only-tools": useAllowedTools,
  "--add-tools": useAllowedTools,
  "--remove-tools": useAllowedTools,
  "--cwd": 'use the session\'s option "cwd"',
  "--worktree": 'use the session\'s option "cwd"',
  "-w": 'use the session\'s option "cwd"',
  "--append-system-prompt": useSystemPrompt,
  "--append-system-prompt-file": useSystemPrompt,
  "--list-tools": atOnce,
  "--help": atOnce,
  "-h": atOnce,
  "--version": atOnce,
  "-v": atOnce,
};

/**
 * Checks the options of `droid()`.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function checkDroidOptions(options: DroidOptions): void {
  validateOptions("droid()", options, checks);
  refuseReserved("droid()", options.extraArgs, reservedArguments);
  const { baseUrl, api, model, models } = options;
  if (baseUrl === undefined) {
    if (api !== undefined) throw wrong("api", 'needs "baseUrl": it says what that address speaks');
    if (models !== undefined) throw wrong("models", 'needs "baseUrl": it says what that address serves');
  } else if (model === undefined && (models ?? []).length === 0) {
    throw wrong("baseUrl", 'needs "model" or "models": Droid does not ask a server for them');
  }
}

/** The name of the model that a session begins with, where it is not the CLI's to choose. */
export function firstModel({ model, models = [] }: DroidOptions): string | undefined {
  const [first] = models;
  return model ?? (typeof first === "object" ? first.id : first);
}

function wrong(option: string, problem: string): TypeError {
  return new TypeError(`droid(): option "${option}" ${problem}.`);
}
