import { onAbort } from "../kit/on-abort.ts";
import type { AgentEvent } from "../spec/events.ts";
import type { EventLog, SubscribeOptions } from "./event-log.ts";

interface Waiter {
  readonly resolve: (result: IteratorResult<AgentEvent, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

const done: IteratorResult<AgentEvent, undefined> = { done: true, value: undefined };

/** One subscriber's place in an event log. */
export class EventCursor implements AsyncIterableIterator<AgentEvent, undefined> {
  readonly #log: EventLog;
  readonly #signal: AbortSignal | undefined;
  readonly #holds: boolean;
  #next: number;
  #closed = false;
  #unlisten: (() => void) | undefined;
  readonly #waiters: Waiter[] = [];

  constructor(log: EventLog, options: SubscribeOptions) {
    this.#log = log;
    this.#next = options.from ?? log.lastSeq + 1;
    this.#holds = options.backpressure ?? false;
    this.#signal = options.signal;
    if (this.#signal?.aborted === true) {
      this.#closed = true;
      return;
    }
    if (this.#holds) log.hold(this);
    if (this.#signal !== undefined) {
      this.#unlisten = onAbort(this.#signal, () => {
        this.#abort();
      });
    }
  }

  /** The `seq` of the event that `next()` gives. */
  get position(): number {
    return this.#next;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // eslint-disable-next-line no-restricted-syntax -- what is there already should cost no more than one promise
  next(): Promise<IteratorResult<AgentEvent, undefined>> {
    const value = this.poll();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#signal?.aborted === true) return Promise.reject(this.#signal.reason as Error);
    if (this.#closed) return Promise.resolve(done);
    if (this.#next < this.#log.firstSeq) return Promise.reject(this.#lag());
    if (this.#log.ended) {
      this.close();
      return Promise.resolve(done);
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#log.wait(this);
    });
  }

  /** The next event if it is there already, without a promise. `undefined` says nothing more: ask `next()`. */
  poll(): AgentEvent | undefined {
    // Whoever asked first is served first.
    if (this.#closed || this.#waiters.length > 0) return undefined;
    const event = this.#log.find(this.#next);
    if (event !== undefined) this.#passed();
    return event;
  }

  /** Leaves the log; what was not read is not read any more. */
  async return(): Promise<IteratorResult<AgentEvent, undefined>> {
    this.close();
    return done;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unlisten?.();
    this.#log.letGo(this);
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(done);
  }

  /** For the log: there is more, or it ended. */
  wake(): void {
    while (this.#waiters.length > 0 && this.#next <= this.#log.lastSeq) {
      const waiter = this.#waiters.shift();
      if (this.#next < this.#log.firstSeq) waiter?.reject(this.#lag());
      else waiter?.resolve({ done: false, value: this.#take() });
    }
    if (this.#closed || this.#waiters.length === 0) return;
    if (this.#log.ended) this.close();
    else this.#log.wait(this);
  }

  #take(): AgentEvent {
    const event = this.#log.at(this.#next);
    this.#passed();
    return event;
  }

  #passed(): void {
    this.#next += 1;
    if (this.#holds) this.#log.advanced(this.#next);
  }

  #lag(): Error {
    const error = this.#log.lagged(this.#next);
    this.close();
    return error;
  }

  #abort(): void {
    const waiters = this.#waiters.splice(0);
    this.close();
    for (const waiter of waiters) waiter.reject(this.#signal?.reason);
  }
}
