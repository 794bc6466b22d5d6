import type { EventCursor } from "../log/event-cursor.ts";
import type { EventLog } from "../log/event-log.ts";
import { type AgentEvent, terminalEventTypes } from "../spec/events.ts";

export interface TurnEventsOptions {
  readonly log: EventLog;
  readonly turnId: string;
  readonly queuedEvent: AgentEvent;
  /** Resolves when the turn left the queue. */
  readonly started: Promise<unknown>;
  /** The consumer left before the end. */
  readonly onLeave: () => Promise<void>;
}

const done: IteratorResult<AgentEvent, undefined> = { done: true, value: undefined };
const terminalTypes: ReadonlySet<string> = new Set(terminalEventTypes);

/** One consumer's way through the events of a turn. */
export class TurnEvents implements AsyncIterableIterator<AgentEvent, undefined> {
  readonly #options: TurnEventsOptions;
  #cursor: EventCursor | undefined;
  #isQueuedGiven = false;
  #finished = false;

  constructor(options: TurnEventsOptions) {
    this.#options = options;
  }

  /** The turn's events begin at this `seq`: from now on the agent waits for this consumer. */
  open(seq: number): void {
    this.#cursor ??= this.#options.log.subscribe({ from: seq, backpressure: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<AgentEvent, undefined>> {
    if (this.#finished) return done;
    if (!this.#isQueuedGiven) {
      this.#isQueuedGiven = true;
      return { done: false, value: this.#options.queuedEvent };
    }
    if (this.#cursor === undefined) await this.#options.started;
    for (;;) {
      const result = await this.#cursor?.next();
      if (result === undefined || result.done === true) {
        this.#finished = true;
        return done;
      }
      if (result.value.turnId !== this.#options.turnId) continue;
      if (terminalTypes.has(result.value.type)) this.#finish();
      return result;
    }
  }

  async return(): Promise<IteratorResult<AgentEvent, undefined>> {
    if (this.#finished) return done;
    this.#finish();
    await this.#options.onLeave();
    return done;
  }

  #finish(): void {
    this.#finished = true;
    this.#cursor?.close();
  }
}
