import { numberField, type Usage } from "../../../src/kit.ts";

/** Adds up the usage of a turn's requests: the figures of the result count those of the turns before as well. */
export class TurnUsage {
  #usage: Usage | undefined;

  beginTurn(): void {
    this.#usage = undefined;
  }

  get usage(): Usage | undefined {
    return this.#usage;
  }

  /** Takes in the usage of one message; of those that a request is told in, only the last one has any. */
  message(usage: unknown): boolean {
    const input = numberField(usage, "input_tokens") ?? 0;
    const output = numberField(usage, "output_tokens") ?? 0;
    const cacheRead = Math.max(0, numberField(usage, "cache_read_input_tokens") ?? 0);
    if (input <= 0 && output <= 0) return false;
    const before = this.#usage;
    this.#usage = {
      // The cached tokens are among those of the input.
      inputTokens: (before?.inputTokens ?? 0) + Math.max(0, input - cacheRead),
      outputTokens: (before?.outputTokens ?? 0) + Math.max(0, output),
      cacheReadTokens: (before?.cacheReadTokens ?? 0) + cacheRead,
    };
    return true;
  }
}
