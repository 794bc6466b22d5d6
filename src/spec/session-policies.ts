import type { ErrorCode } from "./errors.ts";

/** Delays before a prompt is sent again: `initialMs`, then twice as long each time, at most `maxMs`. */
export interface Backoff {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** The errors of a turn that pass. */
export type RetryableCode = Extract<
  ErrorCode,
  "rate_limited" | "model_overloaded" | "model_error" | "network_error" | "agent_exited"
>;

/** When a failed prompt is sent again, in the same turn and the same native session. */
export interface RetryPolicy {
  /** How often, after the first time. */
  readonly attempts: number;
  /**
   * Delays by error; `false` for errors that are not tried again. Defaults: `rate_limited` 5 s to 60 s,
   * `model_overloaded` 2 s to 30 s, `model_error` and `network_error` 1 s to 10 s, `agent_exited` 0.5 s to 5 s.
   */
  readonly backoff?: { readonly [Code in RetryableCode]?: Backoff | false };
}

/** US dollars for a million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  /** Default: as `input`. */
  readonly cacheRead?: number;
  /** Default: as `input`. */
  readonly cacheWrite?: number;
}

/** Prices by the name of the model, as the agent tells it or as it was chosen. */
export type PriceTable = { readonly [model: string]: ModelPrice };
