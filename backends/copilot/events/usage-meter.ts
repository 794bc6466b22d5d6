import { numberField, type Usage } from "../../../src/kit.ts";

interface Counts {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
}

const nothing: Counts = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };

/** Adds up what requests to the model have used, sub-agents' and the CLI's own included. */
export class UsageMeter {
  #counts = nothing;
  #requests = 0;

  get requests(): number {
    return this.#requests;
  }

  /** The CLI counts what a cache served with the input. */
  get usage(): Usage {
    const { input, output, cacheRead, cacheWrite, reasoning } = this.#counts;
    return {
      inputTokens: Math.max(0, input - cacheRead - cacheWrite),
      outputTokens: output,
      cacheReadTokens: cacheRead,
      cacheWriteTokens: cacheWrite,
      reasoningTokens: reasoning,
    };
  }

  reset(): void {
    this.#counts = nothing;
    this.#requests = 0;
  }

  /** Takes in an object with `inputTokens` and so on. */
  add(tokens: unknown, requests = 1): void {
    this.#requests += requests;
    const more = counts(tokens);
    const sum = this.#counts;
    this.#counts = {
      input: sum.input + more.input,
      output: sum.output + more.output,
      cacheRead: sum.cacheRead + more.cacheRead,
      cacheWrite: sum.cacheWrite + more.cacheWrite,
      reasoning: sum.reasoning + more.reasoning,
    };
  }
}

function counts(tokens: unknown): Counts {
  const count = (name: string): number => Math.max(0, numberField(tokens, name) ?? 0);
  return {
    input: count("inputTokens"),
    output: count("outputTokens"),
    cacheRead: count("cacheReadTokens"),
    cacheWrite: count("cacheWriteTokens"),
    reasoning: count("reasoningTokens"),
  };
}
