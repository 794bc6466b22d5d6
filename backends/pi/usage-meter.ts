import { numberField, objectField, type JsonObject, type Usage } from "../../src/kit.ts";

export interface TurnUsage {
  readonly usage: Usage;
  readonly costUsd?: number;
}

/** Adds up what the answers of a turn have used: Pi tells it of each answer by itself. */
export class UsageMeter {
  #input = 0;
  #output = 0;
  #cacheRead = 0;
  #cacheWrite = 0;
  #cost = 0;
  #requests = 0;

  beginTurn(): void {
    this.#input = 0;
    this.#output = 0;
    this.#cacheRead = 0;
    this.#cacheWrite = 0;
    this.#cost = 0;
    this.#requests = 0;
  }

  /** Requests to the model within the turn. */
  get requests(): number {
    return this.#requests;
  }

  add(message: JsonObject): void {
    const usage = objectField(message, "usage");
    this.#requests += 1;
    this.#input += numberField(usage, "input") ?? 0;
    this.#output += numberField(usage, "output") ?? 0;
    this.#cacheRead += numberField(usage, "cacheRead") ?? 0;
    this.#cacheWrite += numberField(usage, "cacheWrite") ?? 0;
    this.#cost += numberField(objectField(usage, "cost"), "total") ?? 0;
  }

  get turn(): TurnUsage {
    const usage = {
      inputTokens: this.#input,
      outputTokens: this.#output,
      cacheReadTokens: this.#cacheRead,
      cacheWriteTokens: this.#cacheWrite,
    };
    // For a model whose price it does not know, Pi reckons with none.
    return this.#cost === 0 ? { usage } : { usage, costUsd: roundCost(this.#cost) };
  }
}

/** Sums in floating point leave dust far below a millionth of a cent. */
function roundCost(cost: number): number {
  return Math.round(cost * 1e10) / 1e10;
}
