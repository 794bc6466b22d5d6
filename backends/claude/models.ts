import {
  arrayField,
  booleanField,
  isJsonObject,
  objectField,
  stringField,
  type Environment,
  type JsonObject,
  type ModelInfo,
  modelVendor,
} from "../../src/kit.ts";
import type { ClaudeOptions } from "./options.ts";

/** The names that always stand for the newest model of a kind; full names work as well. */
export const documentedModels: readonly ModelInfo[] = [
  { id: "default", name: "Default", isDefault: true },
  { id: "opus", name: "Opus" },
  { id: "sonnet", name: "Sonnet" },
  { id: "haiku", name: "Haiku" },
  { id: "fable", name: "Fable" },
  { id: "opus[1m]", name: "Opus (1M context)" },
  { id: "sonnet[1m]", name: "Sonnet (1M context)" },
  { id: "opusplan", name: "Opus in plan mode, else Sonnet" },
];

/** What the CLI says of its models when it starts. */
export class ModelList {
  readonly #entries: readonly JsonObject[];

  /** @param response - The answer to the `initialize` request. */
  constructor(response: JsonObject) {
    this.#entries = arrayField(response, "models").filter(isJsonObject);
  }

  get models(): readonly ModelInfo[] {
    return this.#entries.flatMap((entry): ModelInfo[] => {
      const id = stringField(entry, "value");
      const name = stringField(entry, "displayName");
      if (id === undefined) return [];
      return [
        { id, ...(name === undefined ? {} : { name }), ...(id === "default" ? { isDefault: true } : {}) },
      ];
    });
  }

  /** Why a model does not think at that level, which the CLI keeps to itself; `undefined` where it may. */
  thinkingProblem(model: string, level: string): string | undefined {
    const entry = this.#entries.find(
      (one) => stringField(one, "resolvedModel") === model || stringField(one, "value") === model,
    );
    if (entry === undefined) return undefined;
    const levels = arrayField(entry, "supportedEffortLevels").filter((one) => typeof one === "string");
    if (booleanField(entry, "supportsEffort") === true && levels.includes(level)) return undefined;
    const known = levels.length === 0 ? "no levels of thinking" : `only the levels ${levels.join(", ")}`;
    return `The model ${model} has ${known}: "${level}" has no effect on it.`;
  }
}

/** Variables that lead the CLI elsewhere than to its vendor's API, where any name may be known. */
const elsewhere: readonly string[] = [
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_VERTEX",
  "CLAUDE_CODE_USE_FOUNDRY",
];

/** Why the CLI cannot know a model, which surely is another vendor's; `undefined` where it may. */
export function modelProblem(options: ClaudeOptions, model: string, env: Environment): string | undefined {
  const vendor = modelVendor(model);
  if (vendor === undefined || vendor === "Anthropic") return undefined;
  const all: JsonObject = { ...objectField(options.settings, "env"), ...env };
  const isElsewhere = Object.entries(all).some(
    ([name, value]) => value !== "" && (name.endsWith("_BASE_URL") || elsewhere.includes(name)),
  );
  if (isElsewhere) return undefined;
  return `it is one of ${vendor}'s, which Anthropic's API does not serve. Name a Claude model such as "sonnet" or "opus", or set "baseUrl" to an address that serves it`;
}
