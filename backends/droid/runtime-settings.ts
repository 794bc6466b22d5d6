import { arrayField, type JsonObject, type LaunchInput } from "../../src/kit.ts";
import type { DroidApi, DroidModel, DroidOptions } from "./options.ts";
import { providerKeyVariable } from "./recipe.ts";
import { skillEntry } from "./skills.ts";

/** What the CLI calls each of the APIs. */
const providers: { readonly [Api in DroidApi]: string } = {
  "openai-completions": "generic-chat-completion-api",
  "openai-responses": "openai",
  "anthropic-messages": "anthropic",
};

const defaultMaxTokens = 16_384;

/** The contents of the settings file that is the session's own. It names the variable of the key, not the key. */
export function runtimeSettings(options: DroidOptions, input: LaunchInput, folder: string): string {
  const { settings = {} } = options;
  const models = customModels(options, input);
  const skills = (input.skills ?? []).map((skill) => skillEntry(skill, `${folder}/skills/${skill.name}`));
  return JSON.stringify({
    disableAutoUpdate: true,
    cloudSessionSync: false,
    ...settings,
    ...(models.length === 0 ? {} : { customModels: [...models, ...arrayField(settings, "customModels")] }),
    ...(skills.length === 0 ? {} : { skills: [...skills, ...arrayField(settings, "skills")] }),
  });
}

function customModels(options: DroidOptions, input: LaunchInput): readonly JsonObject[] {
  const { baseUrl, api = "openai-completions" } = options;
  if (baseUrl === undefined) return [];
  const hasKey = (input.env[providerKeyVariable] ?? "") !== "";
  return modelsOf(options, input).map(
    ({ id, name, reasoning, images, contextWindow, maxTokens = defaultMaxTokens }) => ({
      id: customModelId(id),
      model: id,
      displayName: name ?? id,
      baseUrl,
      // Droid wants some key, also for a server that wants none.
      apiKey: hasKey ? `\${${providerKeyVariable}}` : "none",
      provider: providers[api],
      maxOutputTokens: maxTokens,
      // Left to itself, Droid keeps images from most servers.
      noImageSupport: images === false,
      ...(contextWindow === undefined ? {} : { maxContextLimit: contextWindow }),
      // Whatever stands here, it makes all levels available.
      ...(reasoning === true ? { reasoningEffort: "high" } : {}),
    }),
  );
}

/** The models of the options, and the session's own where that is another. */
function modelsOf({ models = [], model }: DroidOptions, input: LaunchInput): readonly DroidModel[] {
  const all = models.map((item) => (typeof item === "string" ? { id: item } : item));
  for (const id of [model, input.model]) {
    if (id !== undefined && !all.some((one) => one.id === id)) all.push({ id });
  }
  return all;
}

/** What Droid calls a model of a server of the caller's own. */
export function customModelId(name: string): string {
  return `custom:${name}`;
}
