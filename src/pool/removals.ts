import { FailureDelay } from "./failure-delay.ts";

/** What can be removed, and be asked so again. */
export interface Removable {
  readonly id: string;
  destroy(): Promise<void>;
}

export interface RemovalsListener {
  readonly removed: (id: string) => void;
  readonly failed: (id: string, error: unknown, retryAfterMs: number) => void;
}

interface Removal {
  /** The one that is going on, or has failed. */
  attempt: Promise<void>;
  /** Ends the rest between two attempts by another one; absent while one is going on. */
  goOn: (() => void) | undefined;
  /** The end of all attempts. */
  last: Promise<void>;
}

const backoff = { initialMs: 1_000, maxMs: 60_000 };
/** How often it is tried at the end, when nobody will try later. */
const lastAttempts = 3;
const lastDelayMs = 200;

/**
 * Sandboxes that are being removed. One that cannot be is tried again and again: it counts, and costs, until it is
 * gone.
 */
export class Removals {
  readonly #running = new Map<Removable, Removal>();
  readonly #listener: RemovalsListener;
  #isHurried = false;

  constructor(listener: RemovalsListener) {
    this.#listener = listener;
  }

  get size(): number {
    return this.#running.size;
  }

  has(removable: Removable): boolean {
    return this.#running.has(removable);
  }

  /** Begins to remove it, or tries again at once. Settles with that attempt; others follow by themselves. */
  async add(removable: Removable): Promise<void> {
    const known = this.#running.get(removable);
    if (known !== undefined) {
      known.goOn?.();
      return known.attempt;
    }
    const removal: Removal = {
      attempt: removable.destroy(),
      goOn: undefined,
      last: Promise.resolve(),
    };
    this.#running.set(removable, removal);
    removal.last = this.#finish(removable, removal);
    removal.last.catch(() => undefined);
    return removal.attempt;
  }

  /** Tries what is left a last few times. Rejects with the first failure when something could not be removed. */
  async finish(): Promise<void> {
    this.#isHurried = true;
    for (const { goOn } of this.#running.values()) goOn?.();
    const ends = await Promise.allSettled([...this.#running.values()].map(({ last }) => last));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  async #finish(removable: Removable, removal: Removal): Promise<void> {
    const delay = new FailureDelay(backoff);
    let hurriedAttempts = 0;
    for (;;) {
      try {
        await removal.attempt;
        this.#running.delete(removable);
        this.#listener.removed(removable.id);
        return;
      } catch (error) {
        if (this.#isHurried && ++hurriedAttempts >= lastAttempts) {
          this.#running.delete(removable);
          throw error;
        }
        const now = performance.now();
        const waitMs = this.#isHurried ? lastDelayMs : delay.failed(error, now, now);
        this.#listener.failed(removable.id, error, waitMs);
        await this.#rest(waitMs, removable, removal);
      }
    }
  }

  /** Waits, and begins the next attempt: then, or when it is asked for. */
  async #rest(timeMs: number, removable: Removable, removal: Removal): Promise<void> {
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        clearTimeout(timer);
        removal.goOn = undefined;
        removal.attempt = removable.destroy();
        resolve();
      };
      removal.goOn = goOn;
      const timer = setTimeout(goOn, timeMs);
      // Not for its sake the host is kept going, unless somebody waits for the end.
      if (!this.#isHurried) timer.unref();
    });
  }
}
