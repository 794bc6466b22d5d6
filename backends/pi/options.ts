import {
  backendOptionChecks,
  isBoolean,
  isJsonObject,
  isOneOf,
  isPositiveInteger,
  isString,
  refuseReserved,
  type BackendOptions,
  type JsonObject,
  type OptionCheck,
  show,
  validateOptions,
} from "../../src/kit.ts";
import { isBuiltIn, providerVariables } from "./providers.ts";

/** The API that a server of the caller's own speaks. */
export type PiApi = "openai-completions" | "openai-responses" | "anthropic-messages" | "google-generative-ai";

/** A model that a server of the caller's own serves. */
export interface PiModel {
  /** As the server calls it. */
  readonly id: string;
  readonly name?: string;
  /** Whether it can think before it answers; only then a session's `thinking` has an effect. Default `false`. */
  readonly reasoning?: boolean;
  /** Whether it takes images. Default `true`. */
  readonly images?: boolean;
  /** In tokens. Default 128,000. */
  readonly contextWindow?: number;
  /** Most tokens of one answer. Default 16,384. */
  readonly maxTokens?: number;
  /** US dollars for a million tokens. Without it no costs are told. */
  readonly cost?: {
    readonly input: number;
    readonly output: number;
    readonly cacheRead?: number;
    readonly cacheWrite?: number;
  };
}

/** Options of `pi()`. */
export interface PiOptions extends BackendOptions {
  /**
   * Key for the model's API; default: the provider's variable of the environment, for example `ANTHROPIC_API_KEY`. It
   * never appears in an argument or a file.
   */
  readonly apiKey?: string;
  /** The provider of the model as Pi calls it, for example `"openai"`. Default: the part of `model` before its `/`. */
  readonly provider?: string;
  /**
   * The API that `baseUrl` speaks; default `"openai-completions"`. Without it, a `baseUrl` with one of Pi's own
   * providers is that provider behind another address, with the models that Pi knows it to have.
   */
  readonly api?: PiApi;
  /** The models that `baseUrl` serves, beside the one of the option `model`. A name alone suffices. */
  readonly models?: readonly (string | PiModel)[];
  /**
   * Whether the `.pi` folder of the working directory applies: its extensions, and the prefix and shell that its
   * settings give to commands, run what nobody is asked about. Default: only where every tool call is allowed.
   * `AGENTS.md` is read in any case.
   */
  readonly trustProject?: boolean;
  /** Settings as in the CLI's `settings.json`. */
  readonly settings?: JsonObject;
}

const isApiKey: OptionCheck = (value) =>
  // Anything else cannot be sent in a header; one that begins with "!" would be run as a command.
  typeof value === "string" && /^[\x22-\x7e][\x21-\x7e]*$/.test(value)
    ? undefined
    : "a key of printable ASCII characters without blanks";

const isProvider: OptionCheck = (value) =>
  typeof value === "string" && /^[A-Za-z0-9_.-]+$/.test(value) ? undefined : 'a name such as "openai"';

const isSettings: OptionCheck = (value) =>
  isJsonObject(value) ? undefined : "an object such as { compaction: { enabled: false } }";

const modelChecks: { readonly [Name in keyof Required<PiModel>]: OptionCheck } = {
  id: isString,
  name: isString,
  reasoning: isBoolean,
  images: isBoolean,
  contextWindow: isPositiveInteger,
  maxTokens: isPositiveInteger,
  cost: isCost,
};

function isCost(value: unknown): string | undefined {
  const names = ["input", "output", "cacheRead", "cacheWrite"];
  const isRight =
    isJsonObject(value) &&
    "input" in value &&
    "output" in value &&
    Object.entries(value).every(
      ([name, price]) =>
        names.includes(name) && (price === undefined || (typeof price === "number" && price >= 0)),
    );
  return isRight ? undefined : "an object such as { input: 3, output: 15 }";
}

const areModels: OptionCheck = (value) => {
  if (!Array.isArray(value)) return 'an array of models such as "qwen3" or { id: "qwen3", reasoning: true }';
  for (const model of value as readonly unknown[]) {
    if (isString(model) === undefined) continue;
    if (!isJsonObject(model) || model["id"] === undefined)
      return `an array of names, or objects with an id (not ${show(model)})`;
    for (const [name, item] of Object.entries(model)) {
      const check = Object.hasOwn(modelChecks, name) ? modelChecks[name as keyof PiModel] : undefined;
      if (check === undefined)
        return `an array of models that have ${Object.keys(modelChecks).join(", ")} (not ${name})`;
      const expected = item === undefined ? undefined : check(item);
      if (expected !== undefined)
        return `an array of models whose ${name} is ${expected} (not ${show(item)})`;
    }
  }
  return undefined;
};

const checks: { readonly [Name in keyof Required<PiOptions>]: OptionCheck } = {
  ...backendOptionChecks,
  apiKey: isApiKey,
  provider: isProvider,
  api: isOneOf("openai-completions", "openai-responses", "anthropic-messages", "google-generative-ai"),
  models: areModels,
  trustProject: isBoolean,
  settings: isSettings,
};

const noLibraryPrompt = "no prompt is passed by argument";
const byLibrary = "resume or fork a session by the library";
const atOnce = "the CLI would end at once";

/** Arguments the library sets itself, by what to use instead. */
const reservedArguments: { readonly [flag: string]: string } = {
  "--mode": 'use the option "mode"',
  "-p": "the library reads the CLI's events",
  "--print": "the library reads the CLI's events",
  "--provider": 'use the option "provider"',
  "--model": 'use the option "model"',
  "--api-key": 'use the option "apiKey"',
  "--thinking": 'use the session\'s option "thinking"',
  "--system-prompt": 'use the session\'s option "systemPrompt"',
  "--append-system-prompt": 'use the session\'s option "systemPrompt"',
  "--tools": 'use the session\'s option "allowedTools"',
  "-t": 'use the session\'s option "allowedTools"',
  "--no-tools": 'use the session\'s option "permissions"',
  "-nt": 'use the session\'s option "permissions"',
  "--continue": byLibrary,
  "-c": byLibrary,
  "--resume": byLibrary,
  "-r": byLibrary,
  "--session": byLibrary,
  "--fork": byLibrary,
  "--session-dir": "sessions would not be found again",
  "--no-session": "the session could not be resumed",
  "--export": atOnce,
  "--list-models": atOnce,
  "--help": atOnce,
  "-h": atOnce,
  "--version": atOnce,
  "-v": atOnce,
  "--": noLibraryPrompt,
};

/**
 * Checks the options of `pi()`.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function checkPiOptions(options: PiOptions): void {
  validateOptions("pi()", options, checks);
  refuseReserved("pi()", options.extraArgs, reservedArguments);
  for (const argument of options.extraArgs ?? []) {
    // Pi takes every word that stands alone for a prompt, and the name behind an @ for a file to add to it.
    if (argument.startsWith("@"))
      throw wrong("extraArgs", `may not hold ${JSON.stringify(argument)}: ${noLibraryPrompt}`);
  }
  checkProvider(options);
}

function checkProvider({ baseUrl, provider, api, models, model, apiKey }: PiOptions): void {
  if (baseUrl === undefined) {
    if (api !== undefined) throw wrong("api", 'needs "baseUrl": it says what that address speaks');
    if (models !== undefined) throw wrong("models", 'needs "baseUrl": it says what that address serves');
  } else if (isOwnServer({ baseUrl, provider, api }) && model === undefined && (models ?? []).length === 0) {
    throw wrong("baseUrl", 'needs "model" or "models": Pi does not ask a server for them');
  }
  if (apiKey !== undefined && baseUrl === undefined && keyVariable({ provider, model }) === undefined) {
    const known = Object.keys(providerVariables).join(", ");
    throw wrong(
      "apiKey",
      `needs "provider", or a "model" that begins with one, for example "openai/gpt-5": ${known}`,
    );
  }
}

function wrong(option: string, problem: string): TypeError {
  return new TypeError(`pi(): option "${option}" ${problem}.`);
}

/** Whether `baseUrl` is a server that Pi knows nothing about, rather than another address of one of its providers. */
export function isOwnServer({
  baseUrl,
  provider,
  api,
}: {
  readonly baseUrl?: string | undefined;
  readonly provider?: string | undefined;
  readonly api?: PiApi | undefined;
}): boolean {
  return baseUrl !== undefined && (api !== undefined || provider === undefined || !isBuiltIn(provider));
}

/** The provider that is named, by its option or before the model's name. */
export function providerOf({
  provider,
  model,
}: {
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
}): string | undefined {
  if (provider !== undefined) return provider;
  const prefix = model?.split("/", 1)[0];
  return prefix !== undefined && prefix !== model && isBuiltIn(prefix) ? prefix : undefined;
}

/** The variable that takes the provider's key. */
export function keyVariable(options: {
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
}): string | undefined {
  const provider = providerOf(options);
  if (provider === undefined || !Object.hasOwn(providerVariables, provider)) return undefined;
  return providerVariables[provider]?.[0];
}
