import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "modal";
import { isLostConnection } from "./modal-errors.ts";

/** How long the vendor's client may take to be connected again. */
const recoveryMs = 1000;
/** How long the sandbox may take to answer then. */
const answerMs = 2000;

/**
 * Hears of the connections that the vendor's client has lost. It tries them again by itself, the output of a process for
 * ten seconds and its end for ever, and says so nowhere but in its log.
 */
export class LostConnections {
  readonly logger: Logger = {
    debug: (_message, ...facts) => {
      if (facts.some(isLostConnection)) for (const listener of this.#listeners) listener();
    },
    // It would write to the console otherwise.
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  };
  readonly #listeners = new Set<() => void>();

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}

/** Whether one sandbox answers, as far as somebody waits for something in it. */
export class Reach {
  readonly #connections: LostConnections;
  readonly #ask: () => Promise<unknown>;
  readonly #waiting = new Set<(error: Error) => void>();
  #isAsking = false;

  /** `ask` has the sandbox do the least that there is. */
  constructor(connections: LostConnections, ask: () => Promise<unknown>) {
    this.#connections = connections;
    this.#ask = ask;
  }

  /** Like the promise; rejects also when a connection was lost, and the sandbox does not answer soon after. */
  async within<Value>(promise: Promise<Value>): Promise<Value> {
    let fail: (error: Error) => void = () => undefined;
    const isLost = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    this.#waiting.add(fail);
    const stop = this.#connections.listen(() => void this.#look());
    try {
      return await Promise.race([promise, isLost]);
    } finally {
      this.#waiting.delete(fail);
      stop();
    }
  }

  async #look(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    await delay(recoveryMs);
    const late = delay(answerMs, undefined, { ref: false }).then(() => {
      throw new Error("It did not answer in time.");
    });
    try {
      await Promise.race([this.#ask(), late]);
    } catch (cause) {
      const error = new Error("The connection to the service was lost.", { cause });
      for (const fail of this.#waiting) fail(error);
    }
    this.#isAsking = false;
  }
}
