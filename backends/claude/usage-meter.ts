import { isJsonObject, numberField, objectField, type JsonObject, type Usage } from "../../src/kit.ts";

interface Totals {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

export interface TurnUsage {
  readonly usage: Usage;
  readonly costUsd?: number;
  readonly contextWindow?: number;
}

/**
 * Works out what a turn has used. The CLI's result counts cost and tokens of all models since the process began, the
 * sub-agents' included, so the turn's share is the growth since the last turn ended. While the turn runs, only the
 * main agent's requests are known.
 */
export class UsageMeter {
  #settled = noTotals();
  #settledCost = 0;
  #running = noTotals();
  #request = noTotals();
  #requests = 0;

  /** A new process counts from nothing. */
  reset(): void {
    this.#settled = noTotals();
    this.#settledCost = 0;
    this.beginTurn();
  }

  beginTurn(): void {
    this.#running = noTotals();
    this.#request = noTotals();
    this.#requests = 0;
  }

  /** Requests to the model by the main agent in this turn. */
  get requests(): number {
    return this.#requests;
  }

  /** A request was begun; the usage in it holds the input, and of the output only a start value. */
  requestStarted(usage: unknown): void {
    this.#requests += 1;
    add(this.#running, this.#request);
    this.#request = apiTotals(usage);
  }

  /** A request ended; its usage holds the final output, and the input where the API repeats it. */
  requestEnded(usage: unknown): Usage {
    const final = apiTotals(usage);
    const request = this.#request;
    this.#request = {
      input: final.input || request.input,
      output: final.output,
      cacheRead: final.cacheRead || request.cacheRead,
      cacheWrite: final.cacheWrite || request.cacheWrite,
    };
    const sum = { ...this.#running };
    add(sum, this.#request);
    return toUsage(sum);
  }

  /** Settles the turn by its result. */
  settle(result: JsonObject): TurnUsage {
    const totals = noTotals();
    let contextWindow = 0;
    let models = 0;
    for (const model of Object.values(objectField(result, "modelUsage"))) {
      if (!isJsonObject(model)) continue;
      models += 1;
      totals.input += numberField(model, "inputTokens") ?? 0;
      totals.output += numberField(model, "outputTokens") ?? 0;
      totals.cacheRead += numberField(model, "cacheReadInputTokens") ?? 0;
      totals.cacheWrite += numberField(model, "cacheCreationInputTokens") ?? 0;
      contextWindow = Math.max(contextWindow, numberField(model, "contextWindow") ?? 0);
    }
    const usage = models > 0 ? growth(totals, this.#settled) : apiTotals(result["usage"]);
    if (models > 0) this.#settled = totals;
    const cost = numberField(result, "total_cost_usd");
    const costUsd = cost === undefined ? undefined : Math.max(0, roundCost(cost - this.#settledCost));
    if (cost !== undefined) this.#settledCost = cost;
    return {
      usage: toUsage(usage),
      ...(costUsd === undefined ? {} : { costUsd }),
      ...(contextWindow === 0 ? {} : { contextWindow }),
    };
  }
}

function noTotals(): Totals {
  return { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
}

function add(sum: Totals, more: Totals): void {
  sum.input += more.input;
  sum.output += more.output;
  sum.cacheRead += more.cacheRead;
  sum.cacheWrite += more.cacheWrite;
}

function growth(now: Totals, before: Totals): Totals {
  return {
    input: Math.max(0, now.input - before.input),
    output: Math.max(0, now.output - before.output),
    cacheRead: Math.max(0, now.cacheRead - before.cacheRead),
    cacheWrite: Math.max(0, now.cacheWrite - before.cacheWrite),
  };
}

function apiTotals(usage: unknown): Totals {
  return {
    input: numberField(usage, "input_tokens") ?? 0,
    output: numberField(usage, "output_tokens") ?? 0,
    cacheRead: numberField(usage, "cache_read_input_tokens") ?? 0,
    cacheWrite: numberField(usage, "cache_creation_input_tokens") ?? 0,
  };
}

function toUsage(totals: Totals): Usage {
  return {
    inputTokens: totals.input,
    outputTokens: totals.output,
    cacheReadTokens: totals.cacheRead,
    cacheWriteTokens: totals.cacheWrite,
  };
}

/** Differences of sums in floating point leave dust far below a millionth of a cent. */
function roundCost(cost: number): number {
  return Math.round(cost * 1e10) / 1e10;
}
