import { abortable } from "../kit/deferred.ts";
import type { Progress } from "../spec/sandbox.ts";
import type { PreparedCli } from "./prepare-cli.ts";

type Prepare = (signal: AbortSignal, onProgress: (progress: Progress) => void) => Promise<PreparedCli>;

interface Preparation {
  readonly result: Promise<PreparedCli>;
  readonly controller: AbortController;
  readonly listeners: Set<(progress: Progress) => void>;
  waiters: number;
}

/**
 * Prepares each CLI once for a box, however many sessions want it. The preparation belongs to all who wait for it: it
 * goes on while one of them does, and ends with the last. A failure may be mended, so it is not remembered.
 */
export class SharedPreparations {
  readonly #byKey = new Map<string, Preparation>();

  async get(
    key: string,
    prepare: Prepare,
    options: { readonly signal: AbortSignal; readonly onProgress: (progress: Progress) => void },
  ): Promise<PreparedCli> {
    const { signal, onProgress } = options;
    const preparation = this.#byKey.get(key) ?? this.#start(key, prepare);
    preparation.waiters++;
    preparation.listeners.add(onProgress);
    try {
      return await abortable(preparation.result, signal);
    } finally {
      preparation.listeners.delete(onProgress);
      preparation.waiters--;
      if (preparation.waiters === 0) await this.#abandon(key, preparation, signal);
    }
  }

  /** The last one has left: if it was for an abort, the preparation ends too, and nothing of it runs afterwards. */
  async #abandon(key: string, preparation: Preparation, { aborted, reason }: AbortSignal): Promise<void> {
    if (!aborted) return;
    if (this.#byKey.get(key) === preparation) this.#byKey.delete(key);
    preparation.controller.abort(reason);
    await preparation.result.catch(() => undefined);
  }

  #start(key: string, prepare: Prepare): Preparation {
    const controller = new AbortController();
    const listeners = new Set<(progress: Progress) => void>();
    const tell = (progress: Progress): void => {
      for (const listener of listeners) listener(progress);
    };
    const preparation: Preparation = {
      result: prepare(controller.signal, tell),
      controller,
      listeners,
      waiters: 0,
    };
    this.#byKey.set(key, preparation);
    preparation.result.catch(() => {
      if (this.#byKey.get(key) === preparation) this.#byKey.delete(key);
    });
    return preparation;
  }
}
