import { setTimeout as delay } from "node:timers/promises";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { refusedSafely } from "./vendor-failure.ts";

/** Options of `retriedWhenRefused`. */
export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  /** How often it is tried at most; default 4. */
  readonly attempts?: number;
  /** Longest time to wait in between; a vendor that asks for more is not asked again. Default 10,000 ms. */
  readonly maxWaitMs?: number;
}

const firstWaitMs = 250;

/**
 * Tries a request again that was certainly not carried out (see `refusedSafely`), a few times and with growing pauses,
 * or after as long as the vendor asks for.
 *
 * @throws whatever the last attempt threw; `signal.reason` once the signal is aborted.
 */
export async function retriedWhenRefused<Value>(
  request: () => Promise<Value>,
  { signal, attempts = 4, maxWaitMs = 10_000 }: RetryOptions = {},
): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await request();
    } catch (error) {
      const wait = waitBefore(error, attempt);
      if (!refusedSafely(error) || attempt === attempts || wait > maxWaitMs) throw error;
      await delay(wait, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }
}

function waitBefore(error: unknown, attempt: number): number {
  const asked = SandboxAgentError.is(error, "provider_rate_limited") ? error.details.retryAfterMs : undefined;
  return asked ?? firstWaitMs * 2 ** (attempt - 1);
}
