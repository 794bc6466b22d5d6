import {
  arrayField,
  numberField,
  objectField,
  stringField,
  type JsonObject,
  type ModelInfo,
} from "../../src/kit.ts";

/** A model as Pi's commands name it. */
export interface PiModelReference {
  readonly provider: string;
  readonly modelId: string;
}

/** The name by which hosts know a model of Pi's. */
export function modelName(model: unknown): string | undefined {
  const provider = stringField(model, "provider");
  const id = stringField(model, "id");
  return provider === undefined || id === undefined ? undefined : `${provider}/${id}`;
}

export function contextWindowOf(model: unknown): number | undefined {
  return numberField(model, "contextWindow");
}

/** The models for which Pi has a key. */
export function modelList(data: JsonObject, current: string | undefined): readonly ModelInfo[] {
  return arrayField(data, "models").flatMap((model) => {
    const id = modelName(model);
    if (id === undefined) return [];
    const name = stringField(model, "name");
    return [{ id, ...(name === undefined ? {} : { name }), ...(id === current ? { isDefault: true } : {}) }];
  });
}

/**
 * Finds the model that a host names: with its provider, or without when one of the current provider, or else of any, is
 * called so.
 */
export function findModel(
  data: JsonObject,
  wanted: string,
  current: string | undefined,
): PiModelReference | undefined {
  const models = arrayField(data, "models").flatMap((model) => {
    const provider = stringField(model, "provider");
    const modelId = stringField(model, "id");
    return provider === undefined || modelId === undefined ? [] : [{ provider, modelId }];
  });
  const own = current?.split("/", 1)[0];
  return (
    models.find(({ provider, modelId }) => `${provider}/${modelId}` === wanted) ??
    models.find(({ provider, modelId }) => modelId === wanted && provider === own) ??
    models.find(({ modelId }) => modelId === wanted)
  );
}

export function currentModel(data: JsonObject): JsonObject {
  return objectField(data, "model");
}
