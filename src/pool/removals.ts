import { deferred, type Deferred, settlesWithin } from "../kit/deferred.ts";
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
  /** The first attempt, for whoever asked for it. */
  readonly first: Promise<void>;
  /** The end of all attempts. */
  readonly last: Promise<void>;
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
  readonly #hurry: Deferred<undefined> = deferred();
  #isHurried = false;

  constructor(listener: RemovalsListener) {
    this.#listener = listener;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Begins to remove it. Settles with the first attempt; others follow by themselves. */
  add(removable: Removable): Promise<void> {
    const known = this.#running.get(removable);
    if (known !== undefined) return known.first;
    const first = removable.destroy();
    const last = this.#finish(removable, first);
    last.catch(() => undefined);
    this.#running.set(removable, { first, last });
    return first;
  }

  /** Tries what is left a last few times. Rejects with the first failure when something could not be removed. */
  async finish(): Promise<void> {
    this.#isHurried = true;
    this.#hurry.resolve(undefined);
    const ends = await Promise.allSettled([...this.#running.values()].map(({ last }) => last));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  async #finish(removable: Removable, first: Promise<void>): Promise<void> {
    const delay = new FailureDelay(backoff);
    let hurriedAttempts = 0;
    for (let attempt = first; ; attempt = removable.destroy()) {
      try {
        await attempt;
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
        await this.#rest(waitMs);
      }
    }
  }

  async #rest(timeMs: number): Promise<void> {
    if (this.#isHurried) await settlesWithin(new Promise(() => undefined), timeMs);
    else await unreferenced(timeMs, this.#hurry.promise);
  }
}

/** Waits without keeping the host going. */
async function unreferenced(timeMs: number, earlier: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeMs).unref();
  });
  await Promise.race([expired, earlier]);
  clearTimeout(timer);
}
