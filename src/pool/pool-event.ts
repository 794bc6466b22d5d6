/** Why a sandbox that was ready was not kept. */
export type EvictionReason =
  /** There were more than `size`. */
  | "surplus"
  /** It had waited for `idleTtlMs`, or its own time was about to be over; another one took its place, or will. */
  | "expired"
  /** The sandbox, or the agent's process in it, had ended. */
  | "died";

/** What a pool tells of itself. `id` is the box's, for example `docker/3f2a…`. */
export type PoolEvent =
  /** A sandbox is ready. */
  | { readonly type: "sandbox.created"; readonly id: string; readonly durationMs: number }
  /** A sandbox could not be made, or died when it had hardly been made; the next one is tried after `retryAfterMs`. */
  | { readonly type: "sandbox.failed"; readonly error: unknown; readonly retryAfterMs: number }
  /** A sandbox was handed out, to a caller that had waited for so long. */
  | { readonly type: "sandbox.taken"; readonly id: string; readonly waitedMs: number }
  | { readonly type: "sandbox.evicted"; readonly id: string; readonly reason: EvictionReason }
  /** A sandbox is gone: one that was evicted, that was disposed of, or whose session could not be started. */
  | { readonly type: "sandbox.destroyed"; readonly id: string }
  /** A sandbox could not be removed, and still counts; that is tried again after `retryAfterMs`. */
  | {
      readonly type: "sandbox.destroy_failed";
      readonly id: string;
      readonly error: unknown;
      readonly retryAfterMs: number;
    };

/** What a pool holds. The sum of `idle`, `taken`, `creating` and `ending` never exceeds `maxSize`. */
export interface PoolStats {
  /** Ready to be taken. */
  readonly idle: number;
  readonly taken: number;
  /** Being made, or about to be. */
  readonly creating: number;
  /** Being removed. */
  readonly ending: number;
  /** Callers of `take()` that wait. */
  readonly waiting: number;
  /** How often a sandbox could not be made, or died when it had hardly been made, since the pool began. */
  readonly failures: number;
}
