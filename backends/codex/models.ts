import {
  arrayField,
  booleanField,
  stringField,
  type Environment,
  type ModelInfo,
  modelVendor,
} from "../../src/kit.ts";
import type { CodexOptions } from "./options.ts";

/** The models that this version of the CLI lists. */
export const documentedModels: readonly ModelInfo[] = [
  { id: "gpt-6.1-sol", name: "GPT-6.1-Sol", isDefault: true },
  { id: "gpt-6-astra", name: "GPT-6-Astra" },
  { id: "gpt-6-sol", name: "GPT-6-Sol" },
  { id: "gpt-6-luna", name: "GPT-6-Luna" },
  { id: "gpt-5.6-sol", name: "GPT-5.6-Sol" },
  { id: "gpt-6.1-terra", name: "GPT-6.1 Terra" },
  { id: "gpt-5.6-terra", name: "GPT-5.6-Terra" },
  { id: "gpt-5.6-luna", name: "GPT-5.6-Luna" },
  { id: "gpt-5.5", name: "GPT-5.5" },
];

/** The models of an answer to `model/list`, which may be one page of several. */
export function listedModels(result: unknown): readonly ModelInfo[] {
  return arrayField(result, "data").flatMap((entry): ModelInfo[] => {
    const id = stringField(entry, "model") ?? stringField(entry, "id");
    const name = stringField(entry, "displayName");
    const isDefault = booleanField(entry, "isDefault") === true;
    if (id === undefined) return [];
    return [{ id, ...(name === undefined ? {} : { name }), ...(isDefault ? { isDefault } : {}) }];
  });
}

/** Why the CLI cannot know a model, which surely is another vendor's; `undefined` where it may. */
export function modelProblem(options: CodexOptions, model: string, env: Environment): string | undefined {
  const vendor = modelVendor(model);
  if (vendor === undefined || vendor === "OpenAI" || isElsewhere(options)) return undefined;
  const isMisled = (env["OPENAI_BASE_URL"] ?? "") !== "";
  const hint = isMisled ? "; the CLI does not read OPENAI_BASE_URL" : "";
  return `it is one of ${vendor}'s, which OpenAI's API does not serve. Name a model such as "gpt-6.1-sol", or set "baseUrl" to an address that serves it${hint}`;
}

/** Whether the CLI is led to another API than its vendor's, where any name may be known. */
function isElsewhere({ baseUrl, config = {}, extraArgs = [] }: CodexOptions): boolean {
  const isProvider = (text: string): boolean => /^model_provider|^oss_provider|openai_base_url/.test(text);
  return (
    baseUrl !== undefined ||
    Object.keys(config).some(isProvider) ||
    extraArgs.some(
      (argument) => /^--(?:oss|local-provider|profile)\b|^-p$/.test(argument) || isProvider(argument),
    )
  );
}
