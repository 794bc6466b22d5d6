import { arrayField, stringField, type ModelInfo } from "../../src/kit.ts";
import { customModelId } from "./runtime-settings.ts";

const customPrefix = customModelId("");

/** The models that Droid has told of. */
export class ModelCatalog {
  readonly #hasOwnServer: boolean;
  #ids: readonly string[] = [];

  /** @param hasOwnServer - Models are, unless Droid says otherwise, those of a server of the caller's own. */
  constructor(hasOwnServer: boolean) {
    this.#hasOwnServer = hasOwnServer;
  }

  /** @param models - `availableModels` of a session, or what the CLI answers when it is asked for its models. */
  learn(models: readonly unknown[]): void {
    const ids = models.flatMap((model) => stringField(model, "id") ?? []);
    if (ids.length > 0) this.#ids = ids;
  }

  /** Droid's id of a model; `undefined` for one that it does not have. */
  idOf(name: string): string | undefined {
    if (this.#ids.length === 0) return this.#hasOwnServer ? customModelId(name) : name;
    return [customModelId(name), name].find((id) => this.#ids.includes(id));
  }
}

/** The name by which a host calls the model. */
export function modelName(id: string): string {
  return id.startsWith(customPrefix) ? id.slice(customPrefix.length) : id;
}

export function modelList(result: unknown, current: string | undefined): readonly ModelInfo[] {
  const names = new Set<string>();
  return arrayField(result, "models").flatMap((model) => {
    const id = stringField(model, "id");
    if (id === undefined || names.has(modelName(id))) return [];
    names.add(modelName(id));
    const name = stringField(model, "displayName");
    return [
      {
        id: modelName(id),
        ...(name === undefined || name === modelName(id) ? {} : { name }),
        ...(modelName(id) === current ? { isDefault: true } : {}),
      },
    ];
  });
}
