import { numberField, type Usage } from "../../src/kit.ts";

/** Adds up what the requests of a turn have used. */
export class UsageMeter {
  readonly #byMessage = new Map<string, unknown>();
  #unnamed = 0;

  reset(): void {
    this.#byMessage.clear();
    this.#unnamed = 0;
  }

  /** Requests to the model that told what they used. */
  get requests(): number {
    return this.#byMessage.size;
  }

  /** A message of which more comes is told again, with the same id. */
  add(messageId: string | undefined, usage: unknown): void {
    this.#byMessage.set(messageId ?? `unnamed ${String(this.#unnamed++)}`, usage);
  }

  get usage(): Usage {
    const sum = (name: string): number =>
      [...this.#byMessage.values()].reduce<number>((total, usage) => total + count(usage, name), 0);
    return {
      inputTokens: sum("input_tokens"),
      outputTokens: sum("output_tokens"),
      cacheReadTokens: sum("cache_read_input_tokens"),
      cacheWriteTokens: sum("cache_creation_input_tokens"),
    };
  }
}

function count(usage: unknown, name: string): number {
  return Math.max(0, numberField(usage, name) ?? 0);
}
