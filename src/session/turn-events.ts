import type { EventCursor } from "../log/event-cursor.ts";
import type { EventLog } from "../log/event-log.ts";
import { type AgentEvent, endsTurn } from "../spec/events.ts";

export interface TurnEventsOptions {
  readonly log: EventLog;
  readonly turnId: string;
  readonly queuedEvent: AgentEvent;
  /** Resolves when the turn left the queue. */
  readonly started: Promise<unknown>;
  /** The consumer left before the end. */
  readonly onLeave: () => Promise<void>;
}

type Result = IteratorResult<AgentEvent, undefined>;

const done: Result = { done: true, value: undefined };

/** One consumer's way through the events of a turn. */
export class TurnEvents implements AsyncIterableIterator<AgentEvent, undefined> {
  readonly #options: TurnEventsOptions;
  #cursor: EventCursor | undefined;
  /** What is left to read of a turn that has ended. */
  #rest: { readonly events: readonly AgentEvent[]; index: number } | undefined;
  #isQueuedGiven = false;
  #finished = false;
  /** How many calls of `next()` wait, one behind the other. */
  #waits = 0;
  #lastWait: Promise<Result> | undefined;

  constructor(options: TurnEventsOptions) {
    this.#options = options;
  }

  /** The turn's events begin at this `seq`: from now on the agent waits for this consumer. */
  open(seq: number): void {
    this.#cursor ??= this.#options.log.subscribe({ from: seq, backpressure: true });
  }

  /**
   * The turn has ended: what is unread is taken out of the log, so that a consumer which is slow, or never comes back,
   * holds up no later turn. When its beginning is not kept any more, the first `next()` tells.
   */
  seal(firstSeq: number, lastSeq: number): void {
    if (this.#finished) return;
    const { log, turnId } = this.#options;
    const position = this.#cursor?.position ?? firstSeq;
    if (position < log.firstSeq) {
      this.#cursor ??= log.subscribe({ from: firstSeq });
      return;
    }
    const events = log.slice(position, lastSeq).filter((event) => event.turnId === turnId);
    this.#rest = { events, index: 0 };
    this.#cursor?.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // No async function: for a consumer that keeps up, its promises would cost as much as parsing the line.
  // eslint-disable-next-line no-restricted-syntax -- and nothing in it throws
  next(): Promise<Result> {
    if (this.#waits === 0) {
      const value = this.#poll();
      if (value !== undefined) return Promise.resolve({ done: false, value });
    }
    if (this.#finished) return Promise.resolve(done);
    this.#lastWait = this.#waitBehind(this.#waits === 0 ? undefined : this.#lastWait);
    return this.#lastWait;
  }

  async return(): Promise<Result> {
    if (this.#finished) return done;
    this.#finish();
    await this.#options.onLeave();
    return done;
  }

  /** The next event of the turn if it is there already. */
  #poll(): AgentEvent | undefined {
    if (this.#finished) return undefined;
    if (!this.#isQueuedGiven) {
      this.#isQueuedGiven = true;
      return this.#options.queuedEvent;
    }
    for (;;) {
      const event = this.#rest === undefined ? this.#cursor?.poll() : this.#rest.events[this.#rest.index++];
      if (event === undefined) return undefined;
      if (this.#accepts(event)) return event;
    }
  }

  async #waitBehind(other: Promise<unknown> | undefined): Promise<Result> {
    this.#waits += 1;
    try {
      await other?.catch(() => undefined);
      return await this.#wait();
    } finally {
      // Before the consumer goes on: its next call is to find no queue where none is left.
      this.#waits -= 1;
    }
  }

  async #wait(): Promise<Result> {
    if (this.#cursor === undefined && this.#rest === undefined) await this.#options.started;
    for (;;) {
      const value = this.#poll();
      if (value !== undefined) return { done: false, value };
      if (this.#finished || this.#rest !== undefined) break;
      const result = await this.#cursor?.next();
      if (result === undefined) break;
      if (result.done === true) {
        // Sealed meanwhile: the rest is there.
        if (this.#hasRest) continue;
        break;
      }
      if (this.#accepts(result.value)) return result;
    }
    this.#finish();
    return done;
  }

  get #hasRest(): boolean {
    return this.#rest !== undefined;
  }

  #accepts(event: AgentEvent): boolean {
    if (event.turnId !== this.#options.turnId) return false;
    if (endsTurn(event.type)) this.#finish();
    return true;
  }

  #finish(): void {
    this.#finished = true;
    this.#cursor?.close();
    this.#rest = undefined;
  }
}
