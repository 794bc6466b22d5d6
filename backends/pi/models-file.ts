import type { JsonObject, LaunchInput } from "../../src/kit.ts";
import { isOwnServer, type PiModel, type PiOptions } from "./options.ts";
import { customKeyVariable, customProvider } from "./providers.ts";

/** The contents of Pi's `models.json`: what there is at `baseUrl`. It names the variable of the key, not the key. */
export function modelsFile(options: PiOptions, input: LaunchInput): string | undefined {
  const { baseUrl, provider, api } = options;
  if (baseUrl === undefined) return undefined;
  if (provider !== undefined && !isOwnServer(options)) {
    return JSON.stringify({ providers: { [provider]: { baseUrl } } });
  }
  const hasKey = (input.env[customKeyVariable] ?? "") !== "";
  const own = {
    baseUrl,
    api: api ?? "openai-completions",
    // Pi wants some key, also for a server that wants none.
    apiKey: hasKey ? customKeyVariable : "none",
    models: modelsOf(options, input).map(modelEntry),
  };
  return JSON.stringify({ providers: { [provider ?? customProvider]: own } });
}

/** The models of the options, and the session's own where that is another. */
function modelsOf({ models = [], model }: PiOptions, input: LaunchInput): readonly PiModel[] {
  const all = models.map((item) => (typeof item === "string" ? { id: item } : item));
  for (const id of [model, input.model]) {
    if (id !== undefined && !all.some((one) => one.id === id)) all.push({ id });
  }
  return all;
}

function modelEntry({ id, name, reasoning, images, contextWindow, maxTokens, cost }: PiModel): JsonObject {
  return {
    id,
    ...(name === undefined ? {} : { name }),
    reasoning: reasoning ?? false,
    // Without it Pi drops images silently; a server that cannot take them says so.
    input: images === false ? ["text"] : ["text", "image"],
    ...(contextWindow === undefined ? {} : { contextWindow }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(cost === undefined ? {} : { cost: { cacheRead: cost.input, cacheWrite: cost.input, ...cost } }),
  };
}
