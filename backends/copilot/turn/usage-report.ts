import { isJsonObject, numberField, objectField, type Usage } from "../../../src/kit.ts";
import { UsageMeter } from "../events/usage-meter.ts";

/** Whether it is what the CLI writes of a session's usage, and not one of its events. */
export function isUsageReport(message: unknown): boolean {
  return isJsonObject(message) && message["type"] === undefined && isJsonObject(message["modelMetrics"]);
}

interface Total {
  readonly usage: Usage;
  readonly requests: number;
}

/** Makes the usage of a turn from figures that accumulate over a session, across its processes. */
export class SessionTotals {
  #last: Total | undefined;

  /** A session begins that has used nothing yet. */
  startSession(): void {
    this.#last = { usage: new UsageMeter().usage, requests: 0 };
  }

  /** A session is taken up whose usage so far is not known until it is told. */
  resumeSession(): void {
    this.#last = undefined;
  }

  /** What the session had used before this process. */
  start(report: unknown): void {
    this.#last = totalOf(report);
  }

  /** The usage since the last report; `undefined` for the first one of a session that was begun elsewhere. */
  settle(report: unknown): Total | undefined {
    const total = totalOf(report);
    const last = this.#last;
    this.#last = total;
    return last === undefined ? undefined : difference(total, last);
  }
}

function totalOf(report: unknown): Total {
  const meter = new UsageMeter();
  for (const metrics of Object.values(objectField(report, "modelMetrics"))) {
    meter.add(objectField(metrics, "usage"), numberField(objectField(metrics, "requests"), "count") ?? 0);
  }
  return { usage: meter.usage, requests: meter.requests };
}

function difference(left: Total, right: Total): Total {
  const rest = (a: number | undefined, b: number | undefined): number => Math.max(0, (a ?? 0) - (b ?? 0));
  return {
    requests: rest(left.requests, right.requests),
    usage: {
      inputTokens: rest(left.usage.inputTokens, right.usage.inputTokens),
      outputTokens: rest(left.usage.outputTokens, right.usage.outputTokens),
      cacheReadTokens: rest(left.usage.cacheReadTokens, right.usage.cacheReadTokens),
      cacheWriteTokens: rest(left.usage.cacheWriteTokens, right.usage.cacheWriteTokens),
      reasoningTokens: rest(left.usage.reasoningTokens, right.usage.reasoningTokens),
    },
  };
}
