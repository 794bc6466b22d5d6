/** The provider that stands in OpenCode's configuration for the caller's own address. */
export const providerId = "playpen";

/** Names of models: OpenCode's have the provider in front, also that of the caller's own address. */
export class ModelNames {
  readonly #isOwnProvider: boolean;

  constructor(options: { readonly baseUrl?: string }) {
    this.#isOwnProvider = options.baseUrl !== undefined;
  }

  /** Whether OpenCode knows what the models cost. */
  get isPriced(): boolean {
    return !this.#isOwnProvider;
  }

  /** The name that OpenCode takes. */
  own(model: string): string {
    return this.#isOwnProvider ? `${providerId}/${model}` : model;
  }

  /** The name that the caller gave, or could have given. */
  told(model: string): string {
    const prefix = `${providerId}/`;
    return this.#isOwnProvider && model.startsWith(prefix) ? model.slice(prefix.length) : model;
  }

  /** Words about models, by the names that the caller gave. */
  toldIn(words: string): string {
    return words.replace(/[^\s"]+/g, (word) => this.told(word));
  }
}
