/** Qwen Code puts the kind of the API behind a model's name. */
const suffix = "(openai)";

export function ownModel(model: string): string {
  return `${model}${suffix}`;
}

/** The name that the caller gave, or could have given. */
export function toldModel(model: string): string {
  return model.endsWith(suffix) ? model.slice(0, -suffix.length) : model;
}

/** Whether the model is one of the API that the library has a key for. */
export function isUsable(model: string): boolean {
  return model.endsWith(suffix);
}
