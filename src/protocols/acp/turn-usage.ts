import { numberField, objectField, stringField } from "../../kit/json.ts";
import type { AgentEventBody } from "../../spec/events.ts";
import type { JsonObject } from "../../spec/json.ts";
import type { Usage } from "../../spec/usage.ts";
import type { AcpTokens, AcpUsageRule } from "./profile.ts";

interface Told {
  readonly usage?: Usage;
  readonly costUsd?: number;
}

/** What the protocol drafts, and what came before it: the usage of each request in an update's metadata. */
const defaultRules: readonly AcpUsageRule[] = [
  {
    covers: "request",
    fromUpdate: (update) => acpTokens(objectField(objectField(update, "_meta"), "usage")),
  },
  { covers: "turn", fromResult: (result) => acpTokens(objectField(result, "usage")) },
];

/** Makes the usage of a turn of what an agent tells, which every agent does in its own way. */
export class TurnUsage {
  readonly #rules: readonly AcpUsageRule[];
  readonly #isPerProcess: boolean;
  /** The session's figures when the turn began; absent when they are not known, as after a resume. */
  #tokensBefore: AcpTokens | undefined;
  #costBefore: number | undefined;
  #sessionTokens: AcpTokens | undefined;
  #sessionCost: number | undefined;
  #turn: AcpTokens | undefined;
  #contextWindow: number | undefined;

  constructor(rules: AcpUsageRule | readonly AcpUsageRule[] = defaultRules) {
    this.#rules = "covers" in rules ? [rules] : rules;
    this.#isPerProcess = this.#rules.some(({ covers }) => covers === "process");
  }

  /** A session is there. Only of a new one it is known that nothing was used before. */
  startSession(isNew: boolean): void {
    this.#sessionTokens = isNew || this.#isPerProcess ? nothing : undefined;
    this.#sessionCost = isNew ? 0 : undefined;
  }

  beginTurn(): void {
    this.#turn = undefined;
    this.#tokensBefore = this.#sessionTokens;
    this.#costBefore = this.#sessionCost;
  }

  /** Takes in an update; tells what it changes. */
  update(update: JsonObject): readonly AgentEventBody[] {
    const isCounted = this.#take((rule) => rule.fromUpdate?.(update));
    const isUsage = update["sessionUpdate"] === "usage_update";
    const size = isUsage ? numberField(update, "size") : undefined;
    const isOtherSize = size !== undefined && size > 0 && size !== this.#contextWindow;
    if (isOtherSize) this.#contextWindow = size;
    const cost = objectField(update, "cost");
    const amount = numberField(cost, "amount");
    const isCost = isUsage && amount !== undefined && (stringField(cost, "currency") ?? "USD") === "USD";
    if (isCost) {
      // The first figure after a resume counts what was before: it can only be the point to count from.
      this.#costBefore ??= amount;
      this.#sessionCost = amount;
    }
    if (!isCounted && !isOtherSize && !isCost) return [];
    return [
      {
        type: "usage.updated",
        usage: this.#usage() ?? { inputTokens: 0, outputTokens: 0 },
        ...this.#cost(),
        ...(this.#contextWindow === undefined ? {} : { contextWindow: this.#contextWindow }),
      },
    ];
  }

  /** What the turn has used, with what the answer to its prompt tells. */
  finish(result: JsonObject): Told {
    this.#take((rule) => rule.fromResult?.(result));
    const usage = this.#usage();
    return { ...(usage === undefined ? {} : { usage }), ...this.#cost() };
  }

  #take(read: (rule: AcpUsageRule) => AcpTokens | undefined): boolean {
    let isCounted = false;
    for (const rule of this.#rules) {
      const tokens = read(rule);
      if (tokens === undefined) continue;
      this.#add(tokens, rule.covers);
      isCounted = true;
    }
    return isCounted;
  }

  #add(tokens: AcpTokens, covers: AcpUsageRule["covers"]): void {
    switch (covers) {
      case "turn":
        this.#turn = tokens;
        return;
      case "request":
        this.#turn = combine(this.#turn ?? nothing, tokens, (a, b) => a + b);
        return;
      case "session":
      case "process":
        this.#sessionTokens = tokens;
        if (this.#tokensBefore !== undefined) {
          this.#turn = combine(tokens, this.#tokensBefore, (a, b) => Math.max(0, a - b));
        }
    }
  }

  #usage(): Usage | undefined {
    return this.#turn;
  }

  #cost(): { readonly costUsd?: number } {
    if (this.#sessionCost === undefined || this.#costBefore === undefined || this.#sessionCost === 0)
      return {};
    // Differences of sums in floating point leave dust far below a millionth of a cent.
    const costUsd = Math.round(Math.max(0, this.#sessionCost - this.#costBefore) * 1e10) / 1e10;
    return { costUsd };
  }
}

const nothing: AcpTokens = { inputTokens: 0, outputTokens: 0 };

function combine(left: AcpTokens, right: AcpTokens, by: (a: number, b: number) => number): AcpTokens {
  const optional = (
    name: "cacheReadTokens" | "cacheWriteTokens" | "reasoningTokens",
  ): { readonly [Name in typeof name]?: number } =>
    left[name] === undefined && right[name] === undefined
      ? {}
      : { [name]: by(left[name] ?? 0, right[name] ?? 0) };
  return {
    inputTokens: by(left.inputTokens, right.inputTokens),
    outputTokens: by(left.outputTokens, right.outputTokens),
    ...optional("cacheReadTokens"),
    ...optional("cacheWriteTokens"),
    ...optional("reasoningTokens"),
  };
}

/** Reads token counts by the protocol's names. */
export function acpTokens(usage: JsonObject): AcpTokens | undefined {
  const input = numberField(usage, "inputTokens");
  const output = numberField(usage, "outputTokens");
  if (input === undefined && output === undefined) return undefined;
  const cacheRead = numberField(usage, "cachedReadTokens");
  const cacheWrite = numberField(usage, "cachedWriteTokens");
  const reasoning = numberField(usage, "thoughtTokens");
  const total = numberField(usage, "totalTokens");
  const cached = (cacheRead ?? 0) + (cacheWrite ?? 0);
  const told = (input ?? 0) + (output ?? 0);
  // Some count the cached tokens among the input, and then the total is reached without them.
  const includesCache = cached > 0 && (total === told || total === told + (reasoning ?? 0));
  return {
    inputTokens: Math.max(0, (input ?? 0) - (includesCache ? cached : 0)),
    outputTokens: output ?? 0,
    ...(cacheRead === undefined ? {} : { cacheReadTokens: cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWriteTokens: cacheWrite }),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
  };
}
