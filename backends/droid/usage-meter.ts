import { isJsonObject, numberField, type JsonObject, type Usage } from "../../src/kit.ts";

const none: Usage = { inputTokens: 0, outputTokens: 0 };

/**
 * Counts the tokens of a turn. On the way Droid tells the session's sum, sub-agents included; at the end of each run of
 * the agent it tells that of the run.
 */
export class UsageMeter {
  /** The session's sum when the running run began. */
  #before = none;
  #sum = none;
  /** Runs of the turn that are over. */
  #ended = none;
  #requests = 0;

  /** A new process, with what it tells of the session that it takes up. */
  reset(told: unknown): void {
    this.#sum = usageOf(told);
    this.beginTurn();
  }

  beginTurn(): void {
    this.#before = this.#sum;
    this.#ended = none;
    this.#requests = 0;
  }

  answered(): void {
    this.#requests += 1;
  }

  /** Requests to the model within the turn. */
  get requests(): number {
    return this.#requests;
  }

  /** The sum so far. */
  progress(notification: JsonObject): void {
    const told = notification["inclusiveTokenUsage"] ?? notification["tokenUsage"];
    this.#sum = usageOf(told);
  }

  /** A run of the agent is over. */
  runEnded(notification: JsonObject): void {
    this.#ended = plus(this.#ended, usageOf(notification["tokenUsage"]));
    if (isJsonObject(notification["cumulativeTokenUsage"])) {
      this.#sum = usageOf(notification["cumulativeTokenUsage"]);
    }
    this.#before = this.#sum;
  }

  get turn(): Usage {
    return plus(this.#ended, minus(this.#sum, this.#before));
  }
}

function usageOf(told: unknown): Usage {
  const usage = isJsonObject(told) ? told : {};
  const reasoningTokens = numberField(usage, "thinkingTokens") ?? 0;
  return {
    inputTokens: numberField(usage, "inputTokens") ?? 0,
    outputTokens: numberField(usage, "outputTokens") ?? 0,
    cacheReadTokens: numberField(usage, "cacheReadTokens") ?? 0,
    cacheWriteTokens: numberField(usage, "cacheCreationTokens") ?? 0,
    // Of most models Droid does not learn it.
    ...(reasoningTokens === 0 ? {} : { reasoningTokens }),
  };
}

function plus(left: Usage, right: Usage): Usage {
  return combined(left, right, 1);
}

function minus(left: Usage, right: Usage): Usage {
  return combined(left, right, -1);
}

function combined(left: Usage, right: Usage, sign: 1 | -1): Usage {
  const count = (one: number | undefined, other: number | undefined): number =>
    Math.max(0, (one ?? 0) + sign * (other ?? 0));
  const reasoningTokens = count(left.reasoningTokens, right.reasoningTokens);
  return {
    inputTokens: count(left.inputTokens, right.inputTokens),
    outputTokens: count(left.outputTokens, right.outputTokens),
    cacheReadTokens: count(left.cacheReadTokens, right.cacheReadTokens),
    cacheWriteTokens: count(left.cacheWriteTokens, right.cacheWriteTokens),
    ...(reasoningTokens === 0 ? {} : { reasoningTokens }),
  };
}
