import { numberField, objectField, type Usage } from "../../src/kit.ts";

interface Counts {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
}

const nothing: Counts = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 };

/**
 * Makes the usage of a turn from figures that Codex accumulates over a thread, across resumes and forks: what a thread
 * had used before is not counted again.
 */
export class UsageMeter {
  readonly #totals = new Map<string, Counts>();
  #turn: Counts = nothing;
  #requests = 0;

  startTurn(): void {
    this.#turn = nothing;
    this.#requests = 0;
  }

  /** A thread begins that has used nothing yet. */
  startThread(threadId: string): void {
    this.#totals.set(threadId, nothing);
  }

  /** Requests to the model that the turn was seen to make. */
  get requests(): number {
    return this.#requests;
  }

  get usage(): Usage {
    const { input, cacheRead, cacheWrite, output, reasoning } = this.#turn;
    return {
      inputTokens: Math.max(0, input - cacheRead - cacheWrite),
      outputTokens: output,
      cacheReadTokens: cacheRead,
      cacheWriteTokens: cacheWrite,
      reasoningTokens: reasoning,
    };
  }

  /** Takes in `{ total, last }` of one thread. Only what belongs to the running turn is added to it. */
  update(threadId: string, tokenUsage: unknown, belongsToTurn: boolean): void {
    const total = counts(objectField(tokenUsage, "total"));
    const previous = this.#totals.get(threadId);
    this.#totals.set(threadId, total);
    if (!belongsToTurn) return;
    // The first figures of a thread include all its past: only the last request is surely of this turn.
    const step =
      previous === undefined ? counts(objectField(tokenUsage, "last")) : difference(total, previous);
    if (step.input === 0 && step.output === 0) return;
    this.#turn = sum(this.#turn, step);
    this.#requests += 1;
  }

  /**
   * Takes in the figures of a finished `exec`. Returns whether they tell the usage of the turn: they do not for the
   * first turn of a thread that was begun elsewhere.
   */
  settle(threadId: string, usage: unknown): boolean {
    const total = counts({
      inputTokens: numberField(usage, "input_tokens"),
      cachedInputTokens: numberField(usage, "cached_input_tokens"),
      cacheWriteInputTokens: numberField(usage, "cache_write_input_tokens"),
      outputTokens: numberField(usage, "output_tokens"),
      reasoningOutputTokens: numberField(usage, "reasoning_output_tokens"),
    });
    const previous = this.#totals.get(threadId);
    this.#totals.set(threadId, total);
    if (previous === undefined) return false;
    this.#turn = difference(total, previous);
    return true;
  }
}

function counts(value: unknown): Counts {
  return {
    input: count(value, "inputTokens"),
    cacheRead: count(value, "cachedInputTokens"),
    cacheWrite: count(value, "cacheWriteInputTokens"),
    output: count(value, "outputTokens"),
    reasoning: count(value, "reasoningOutputTokens"),
  };
}

function count(value: unknown, name: string): number {
  return Math.max(0, numberField(value, name) ?? 0);
}

function difference(left: Counts, right: Counts): Counts {
  // Figures that went back were begun anew, and so are all of the new thread.
  if (left.input < right.input || left.output < right.output) return left;
  return combine(left, right, (a, b) => Math.max(0, a - b));
}

function sum(left: Counts, right: Counts): Counts {
  return combine(left, right, (a, b) => a + b);
}

function combine(left: Counts, right: Counts, by: (a: number, b: number) => number): Counts {
  return {
    input: by(left.input, right.input),
    cacheRead: by(left.cacheRead, right.cacheRead),
    cacheWrite: by(left.cacheWrite, right.cacheWrite),
    output: by(left.output, right.output),
    reasoning: by(left.reasoning, right.reasoning),
  };
}
