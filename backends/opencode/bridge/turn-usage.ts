import { numberField, objectField, type JsonObject, type Usage } from "../../../src/kit.ts";

interface Request {
  readonly usage: Required<Usage>;
  readonly cost: number;
}

/** Adds up what the requests of a turn have used, those of sub-agents included. */
export class TurnUsage {
  /** By message: each is the answer to one request, and is told several times. */
  readonly #requests = new Map<string, Request>();
  readonly #tellsCost: boolean;

  /** Without `tellsCost` the figures are of a model whose prices OpenCode does not know, so that it says 0. */
  constructor(tellsCost: boolean) {
    this.#tellsCost = tellsCost;
  }

  beginTurn(): void {
    this.#requests.clear();
  }

  /** Takes in what is said of a message; returns whether that changes the sum. */
  message(id: string, info: JsonObject): boolean {
    const tokens = objectField(info, "tokens");
    const cache = objectField(tokens, "cache");
    const reasoningTokens = count(tokens, "reasoning");
    const usage = {
      inputTokens: count(tokens, "input"),
      // OpenCode counts the two apart.
      outputTokens: count(tokens, "output") + reasoningTokens,
      cacheReadTokens: count(cache, "read"),
      cacheWriteTokens: count(cache, "write"),
      reasoningTokens,
    };
    const known = this.#requests.get(id)?.usage;
    if (usage.inputTokens === 0 && usage.outputTokens === 0 && usage.cacheReadTokens === 0) return false;
    this.#requests.set(id, { usage, cost: Math.max(0, numberField(info, "cost") ?? 0) });
    return known?.outputTokens !== usage.outputTokens || known.inputTokens !== usage.inputTokens;
  }

  /** Requests to the model that were answered. */
  get requests(): number {
    return this.#requests.size;
  }

  get sum(): { readonly usage: Usage; readonly costUsd?: number } {
    const usage = {
      inputTokens: 0,
      outputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
    };
    let cost = 0;
    for (const request of this.#requests.values()) {
      for (const name of counts) usage[name] += request.usage[name];
      cost += request.cost;
    }
    // Sums in floating point leave dust far below a millionth of a cent.
    return this.#tellsCost ? { usage, costUsd: Math.round(cost * 1e10) / 1e10 } : { usage };
  }
}

const counts = [
  "inputTokens",
  "outputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "reasoningTokens",
] as const;

function count(value: unknown, name: string): number {
  return Math.max(0, numberField(value, name) ?? 0);
}
