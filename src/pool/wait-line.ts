import { deferred, type Deferred } from "../kit/deferred.ts";
import { onAbort } from "../kit/on-abort.ts";

/** Who waits for something. */
export interface Waiter<Value> {
  readonly since: number;
  readonly resolve: (value: Value) => void;
  readonly reject: (reason: unknown) => void;
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** What it is rejected with when its time is over. */
  readonly timeoutError: (since: number) => unknown;
}

/** Callers in the order they came. Each waits for a bounded time; its timer is what keeps the host going meanwhile. */
export class WaitLine<Value> {
  readonly #waiters = new Set<Waiter<Value>>();
  readonly #onLeft: () => void;

  /** @param onLeft - Called when one has left without having got anything. */
  constructor(onLeft: () => void) {
    this.#onLeft = onLeft;
  }

  get length(): number {
    return this.#waiters.size;
  }

  /** Puts the caller at the end. Rejects with `signal.reason` when it is aborted. */
  async wait({ timeoutMs, signal, timeoutError }: WaitOptions, joined: () => void): Promise<Value> {
    signal?.throwIfAborted();
    const result: Deferred<Value> = deferred();
    const { promise, resolve, reject } = result;
    const waiter: Waiter<Value> = { since: performance.now(), resolve, reject };
    this.#waiters.add(waiter);
    const leave = (reason: () => unknown): void => {
      if (!this.#waiters.delete(waiter)) return;
      reject(reason());
      this.#onLeft();
    };
    const timer = setTimeout(() => {
      leave(() => timeoutError(waiter.since));
    }, timeoutMs);
    const stop =
      signal &&
      onAbort(signal, () => {
        leave(() => signal.reason);
      });
    try {
      joined();
      return await promise;
    } finally {
      clearTimeout(timer);
      stop?.();
    }
  }

  /** Takes the first out of the line. */
  next(): Waiter<Value> | undefined {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      return waiter;
    }
    return undefined;
  }

  /** Sends everybody away. */
  rejectAll(reason: unknown): void {
    const all = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of all) waiter.reject(reason);
  }
}
