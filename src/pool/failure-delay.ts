import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type { Backoff } from "../spec/session-policies.ts";

/** A timer with a longer delay than this fires at once. */
const longestTimerMs = 2_147_483_647;

/**
 * How long to wait after something failed: exponential, with jitter, and never longer than the cap, unless a vendor
 * names a time itself. Failures of what began before the last one count as one with it: ten sandboxes that fail
 * together are one outage.
 */
export class FailureDelay {
  readonly #backoff: Backoff;
  readonly #random: () => number;
  #count = 0;
  #lastAt = -Infinity;
  #until = -Infinity;

  constructor(backoff: Backoff, random: () => number = Math.random) {
    this.#backoff = backoff;
    this.#random = random;
  }

  /** Whether the last that was heard is a failure. */
  get isFailing(): boolean {
    return this.#count > 0;
  }

  /** When it may be tried again, in the time of `failed`. */
  get until(): number {
    return this.#until;
  }

  /**
   * Notes a failure and returns how long to wait from now on.
   *
   * @param begunAt - When what failed began, by `performance.now()` as `now`.
   */
  failed(error: unknown, begunAt: number, now: number): number {
    if (begunAt >= this.#lastAt) {
      this.#count++;
      const { initialMs, maxMs } = this.#backoff;
      const wholeMs = Math.min(maxMs, initialMs * 2 ** (this.#count - 1));
      // Between half of it and all: pools that failed together should not all come back at the same moment.
      const delayMs = wholeMs * (0.5 + 0.5 * this.#random());
      this.#lastAt = now;
      this.#until = Math.max(this.#until, now + delayMs);
    }
    this.#until = Math.max(this.#until, now + askedFor(error));
    return Math.max(0, this.#until - now);
  }

  succeeded(): void {
    this.#count = 0;
    this.#until = -Infinity;
  }
}

function askedFor(error: unknown): number {
  if (!SandboxAgentError.is(error, "provider_rate_limited")) return 0;
  return Math.min(error.details.retryAfterMs ?? 0, longestTimerMs);
}
