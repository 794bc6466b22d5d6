import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { callListener } from "../kit/call-listener.ts";
import type { AgentEvent } from "../spec/events.ts";
import { EventCursor } from "./event-cursor.ts";
import { MessageDelta } from "./message-delta.ts";

/** An event without the fields that the log assigns. */
export type UnloggedEvent = AgentEvent extends infer Event
  ? Event extends AgentEvent
    ? Omit<Event, "seq" | "at" | "sessionId">
    : never
  : never;

/**
 * What `session.onEvent()` calls with each event. Nothing waits for what it returns; what it throws, or rejects with,
 * becomes a process warning.
 */
export type EventListener = (event: AgentEvent) => unknown;

export interface EventLogOptions {
  /** How many events are kept for replay. Default 2,048. */
  readonly maxEvents?: number;
  /** How much of the CLI's output, in bytes, the kept events may stem from. Default 16 MiB. */
  readonly maxBytes?: number;
  /** How many events a subscriber with back-pressure may be behind before the CLI is held up. Default 1,024. */
  readonly highWaterMark?: number;
  /** Told what a listener threw; the listener stays subscribed. Must not throw itself. */
  readonly onListenerError: (error: unknown) => void;
}

/** Options of `session.events()`. */
export interface SubscribeOptions {
  /** First `seq` wanted. Default: the next event to come. */
  readonly from?: number;
  /** Hold the CLI up rather than fall behind. Default `false`. */
  readonly backpressure?: boolean;
  /** Ends the subscription; the pending `next()` rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
}

/** Events are stored in segments of this size and dropped a segment at a time, which keeps the cost per event flat. */
const segmentBits = 8;
const segmentLength = 1 << segmentBits;

/**
 * Far more events than this would outlive the collector's young generation: a long turn would then cost a third more
 * time and several times the memory, for a history that few look at.
 */
const defaultMaxEvents = 2_048;

interface Subscription {
  readonly listener: EventListener;
  /** The last event that it does not get. */
  readonly after: number;
}

/** What the log adds to an event. */
interface Place {
  seq: number;
  at: number;
  sessionId: string;
  turnId?: string;
}

interface Segment {
  readonly events: AgentEvent[];
  bytes: number;
}

/**
 * The ordered events of one session. Every event gets the next `seq`; subscribers replay from any kept `seq` and then
 * follow live, with no loss and no duplicate, each at its own pace over the one store.
 */
export class EventLog {
  readonly #sessionId: string;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  readonly #highWaterMark: number;
  /** How many events a reader passes before it looks whether the agent may go on; it also does when it has read all. */
  readonly #releaseStep: number;
  readonly #onListenerError: (error: unknown) => void;
  /** Kept segments; the first begins at `#firstSeq`. All but the last are full. */
  readonly #segments: Segment[] = [];
  #firstSeq = 0;
  #lastSeq = 0;
  #lastAt = 0;
  #bytes = 0;
  #ended = false;
  #pressureLifted = false;
  readonly #listeners = new Set<Subscription>();
  /** Events that a listener caused while another event was being handed over. */
  readonly #undelivered: AgentEvent[] = [];
  #isDelivering = false;
  readonly #waiting = new Set<EventCursor>();
  readonly #holders = new Set<EventCursor>();
  #pressure: { readonly released: Promise<void>; readonly release: () => void } | undefined;

  constructor(sessionId: string, options: EventLogOptions) {
    // Set once more, though it begins with 1: a field that never changed counts as a constant in compiled code, and all
    // of that was thrown away when the first events were dropped.
    this.#firstSeq = 1;
    this.#sessionId = sessionId;
    this.#maxEvents = options.maxEvents ?? defaultMaxEvents;
    this.#maxBytes = options.maxBytes ?? 16 * 1024 * 1024;
    this.#highWaterMark = options.highWaterMark ?? 1024;
    this.#releaseStep = Math.max(1, Math.floor(this.#highWaterMark / 16));
    this.#onListenerError = options.onListenerError;
  }

  /** The oldest `seq` that can still be replayed. */
  get firstSeq(): number {
    return this.#firstSeq;
  }

  /** The newest `seq`, 0 before the first event. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Gives the event its place and hands it to every listener before it returns; an event that a listener causes is
   * handed over after the one that it came from, so that every listener sees one order. The object is taken over.
   *
   * @param bytes - The share of the CLI's output it stems from, which is what it counts against the bound.
   * @param turnId - The turn it belongs to, unless the event says that itself.
   */
  append(event: UnloggedEvent, bytes = 0, turnId = event.turnId): AgentEvent {
    if (
      event.type === "message.delta" &&
      turnId !== undefined &&
      event.parentToolCallId === undefined &&
      event.raw === undefined
    )
      return this.appendText(event.messageId, event.text, bytes, turnId);
    const logged: Place & object = event as UnloggedEvent & Place;
    logged.seq = this.#lastSeq + 1;
    logged.at = this.#now();
    logged.sessionId = this.#sessionId;
    if (turnId !== undefined) logged.turnId = turnId;
    return this.#take(logged as AgentEvent, bytes);
  }

  /** As `append` with a `message.delta` of the main agent. */
  appendText(messageId: string, text: string, bytes: number, turnId: string): AgentEvent {
    const seq = this.#lastSeq + 1;
    return this.#take(new MessageDelta(seq, this.#now(), this.#sessionId, turnId, messageId, text), bytes);
  }

  /** No event follows: subscriptions end after the last one. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Calls `listener` with each event from now on, within `append`. Returns a function that ends it. */
  listen(listener: EventListener): () => void {
    const subscription = { listener, after: this.#lastSeq };
    this.#listeners.add(subscription);
    return () => {
      this.#listeners.delete(subscription);
    };
  }

  /** Iterates over the events from `from` on. Ends with the log. */
  subscribe(options: SubscribeOptions = {}): EventCursor {
    return new EventCursor(this, options);
  }

  /**
   * A promise when the slowest subscriber with back-pressure is too far behind: whoever reads the CLI waits for it
   * before reading on.
   */
  get pressure(): Promise<void> | undefined {
    if (this.#holders.size === 0 || this.#pressureLifted || !this.#isHeld(this.#highWaterMark))
      return undefined;
    if (this.#pressure === undefined) {
      let release: () => void = () => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      this.#pressure = { released, release };
    }
    return this.#pressure.released;
  }

  /**
   * Lets the CLI run on, whoever is behind: while a turn is being interrupted, its last lines must be read even if its
   * own consumer is what waits for the interruption. Events are still kept for that consumer.
   */
  liftPressure(lifted: boolean): void {
    this.#pressureLifted = lifted;
    if (lifted) this.#release();
  }

  /** The kept events from `first` to `last`, both included. */
  slice(first: number, last: number): AgentEvent[] {
    const events: AgentEvent[] = [];
    for (let seq = Math.max(first, this.#firstSeq); seq <= last; seq++) events.push(this.at(seq));
    return events;
  }

  /** The event with this `seq`, if it is there: not yet dropped, and not still to come. */
  find(seq: number): AgentEvent | undefined {
    if (seq < this.#firstSeq || seq > this.#lastSeq) return undefined;
    const offset = seq - this.#firstSeq;
    return this.#segments[offset >> segmentBits]?.events[offset & (segmentLength - 1)];
  }

  /** The event with this `seq`, which must be kept. */
  at(seq: number): AgentEvent {
    const event = this.find(seq);
    if (event === undefined) throw new RangeError(`No event ${String(seq)} in the log.`);
    return event;
  }

  /** The error for a subscriber that wants an event which is no longer kept. */
  lagged(cursor: number): SandboxAgentError<"events_lagged"> {
    return new SandboxAgentError(
      "events_lagged",
      `Events ${String(cursor)} to ${String(this.#firstSeq - 1)} of session ${this.#sessionId} were dropped before this subscriber read them.`,
      { details: { lastSeq: cursor - 1, resumeFrom: this.#firstSeq } },
    );
  }

  /** For cursors: to be called back when an event comes or the log ends. */
  wait(cursor: EventCursor): void {
    this.#waiting.add(cursor);
  }

  /** For cursors: an event may not be dropped, nor the CLI read on too far, before this cursor has passed. */
  hold(cursor: EventCursor): void {
    this.#holders.add(cursor);
  }

  /** For cursors: it moved on. */
  advanced(position?: number): void {
    if (this.#pressure === undefined) return;
    // With many readers, to look for the slowest at each of their steps would cost more than the steps.
    if (position !== undefined && position % this.#releaseStep !== 0 && position <= this.#lastSeq) return;
    if (!this.#isHeld(this.#highWaterMark / 2)) this.#release();
  }

  /** For cursors: it was closed, or gave up its hold. */
  letGo(cursor: EventCursor): void {
    this.#waiting.delete(cursor);
    if (this.#holders.delete(cursor)) this.advanced();
  }

  #release(): void {
    this.#pressure?.release();
    this.#pressure = undefined;
  }

  #isHeld(mark: number): boolean {
    const slowest = this.#slowestHolder();
    const behind = this.#lastSeq - slowest + 1;
    return (
      behind >= mark ||
      (this.#bytes > this.#maxBytes && behind > 0 && slowest < this.#firstSeq + segmentLength)
    );
  }

  #slowestHolder(): number {
    let slowest = this.#lastSeq + 1;
    for (const holder of this.#holders) slowest = Math.min(slowest, holder.position);
    return slowest;
  }

  /** Milliseconds, as `Date.now()`; never less than for the event before. */
  #now(): number {
    const now = Date.now();
    if (now > this.#lastAt) this.#lastAt = now;
    return this.#lastAt;
  }

  #take(event: AgentEvent, bytes: number): AgentEvent {
    this.#lastSeq = event.seq;
    this.#store(event, bytes);
    if (this.#listeners.size > 0) this.#deliver(event);
    if (this.#waiting.size > 0) this.#wake();
    return event;
  }

  #store(event: AgentEvent, bytes: number): void {
    let segment = this.#segments[this.#segments.length - 1];
    if (segment === undefined || segment.events.length === segmentLength) {
      segment = { events: [], bytes: 0 };
      this.#segments.push(segment);
      this.#evict();
    }
    segment.events.push(event);
    segment.bytes += bytes;
    this.#bytes += bytes;
  }

  #evict(): void {
    const slowest = this.#holders.size === 0 ? Infinity : this.#slowestHolder();
    for (;;) {
      const oldest = this.#segments[0];
      if (oldest === undefined || this.#segments.length < 2) return;
      const isOver = this.#lastSeq - this.#firstSeq >= this.#maxEvents || this.#bytes > this.#maxBytes;
      if (!isOver || slowest < this.#firstSeq + segmentLength) return;
      this.#segments.shift();
      this.#firstSeq += segmentLength;
      this.#bytes -= oldest.bytes;
    }
  }

  #deliver(event: AgentEvent): void {
    if (this.#isDelivering) {
      this.#undelivered.push(event);
      return;
    }
    this.#isDelivering = true;
    for (let next: AgentEvent | undefined = event; next !== undefined; next = this.#undelivered.shift()) {
      for (const { listener, after } of this.#listeners) {
        if (next.seq > after) callListener(listener, next, this.#onListenerError);
      }
    }
    this.#isDelivering = false;
  }

  #wake(): void {
    const cursors = [...this.#waiting];
    this.#waiting.clear();
    for (const cursor of cursors) cursor.wake();
  }
}
