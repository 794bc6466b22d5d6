import { isJsonObject } from "../kit/json.ts";
import { isDurationMs, show, type OptionCheck } from "../kit/validate-options.ts";
import type { TurnErrorInfo } from "../spec/events.ts";
import type { Backoff, RetryableCode, RetryPolicy } from "../spec/session-policies.ts";

const defaults: { readonly [Code in RetryableCode]: Backoff } = {
  rate_limited: { initialMs: 5_000, maxMs: 60_000 },
  model_overloaded: { initialMs: 2_000, maxMs: 30_000 },
  model_error: { initialMs: 1_000, maxMs: 10_000 },
  network_error: { initialMs: 1_000, maxMs: 10_000 },
  agent_exited: { initialMs: 500, maxMs: 5_000 },
};

/** Sessions that failed together should not all come back at the same moment. */
const jitter = 0.2;

/**
 * How long to wait before the prompt is sent again, or `undefined` when it is not.
 *
 * @param attempt - 1 for the first time that it is sent again.
 * @param random - From 0 to 1.
 */
export function retryDelayMs(
  policy: RetryPolicy | undefined,
  error: TurnErrorInfo,
  attempt: number,
  random = Math.random(),
): number | undefined {
  if (policy === undefined || attempt > policy.attempts || !error.retryable || !isRetryable(error.code))
    return undefined;
  const backoff = policy.backoff?.[error.code] ?? defaults[error.code];
  if (backoff === false) return undefined;
  const delayMs = Math.min(backoff.maxMs, backoff.initialMs * 2 ** (attempt - 1));
  return Math.round(delayMs * (1 - jitter + 2 * jitter * random));
}

function isRetryable(code: string): code is RetryableCode {
  return Object.hasOwn(defaults, code);
}

export const isRetryPolicy: OptionCheck = (value) => {
  if (!isJsonObject(value)) return "an object such as { attempts: 3 }";
  const unknown = Object.keys(value).find((name) => name !== "attempts" && name !== "backoff");
  if (unknown !== undefined) return `without ${show(unknown)}; known are attempts and backoff`;
  const { attempts, backoff } = value;
  if (typeof attempts !== "number" || !Number.isSafeInteger(attempts) || attempts < 0)
    return "an object whose attempts are a whole number, 0 or above";
  if (backoff === undefined) return undefined;
  if (!isJsonObject(backoff)) return "an object whose backoff is an object of delays by error code";
  for (const [code, delays] of Object.entries(backoff)) {
    if (!isRetryable(code))
      return `without a backoff for ${show(code)}; known are ${Object.keys(defaults).join(", ")}`;
    if (delays === false || delays === undefined) continue;
    const isBackoff =
      isJsonObject(delays) &&
      isDurationMs(delays["initialMs"]) === undefined &&
      isDurationMs(delays["maxMs"]) === undefined;
    if (!isBackoff) return `an object whose backoff for ${code} is { initialMs, maxMs } or false`;
  }
  return undefined;
};
