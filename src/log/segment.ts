import type { AgentEvent, AgentEventOf } from "../spec/events.ts";

type Delta = AgentEventOf<"message.delta"> | AgentEventOf<"reasoning.delta">;

/** Consecutive increments of one message, kept as one text and where it is cut. */
interface Run {
  /** What all of them have in common, and the `seq` of the first. */
  readonly first: Delta;
  readonly text: string;
  readonly ends: Uint32Array;
  readonly times: Float64Array;
}

type Entry = AgentEvent | Run;

/** With more entries than this, looking one up would cost more than keeping the events saves. */
const maxEntries = 8;

/**
 * A stretch of the log. Once it is full, increments of a message are packed: they are nearly all of a long stream, and
 * as objects of their own they would outlive the collector's young generation by the hundred thousand, which costs
 * more time than parsing the lines they came in.
 */
export class Segment {
  readonly #events: AgentEvent[] = [];
  #packed: readonly Entry[] | undefined;
  #bytes = 0;

  get length(): number {
    return this.#events.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(event: AgentEvent, bytes: number): void {
    this.#events.push(event);
    this.#bytes += bytes;
  }

  /** No event follows in this segment. */
  pack(): void {
    const entries = packed(this.#events);
    if (entries === undefined) return;
    this.#packed = entries;
    this.#events.length = 0;
  }

  at(index: number): AgentEvent | undefined {
    if (this.#packed === undefined) return this.#events[index];
    let rest = index;
    for (const entry of this.#packed) {
      const count = "ends" in entry ? entry.ends.length : 1;
      if (rest < count) return "ends" in entry ? unpacked(entry, rest) : entry;
      rest -= count;
    }
    return undefined;
  }
}

function packed(events: readonly AgentEvent[]): readonly Entry[] | undefined {
  const entries: Entry[] = [];
  for (let index = 0; index < events.length;) {
    const event = events[index];
    if (event === undefined || entries.length === maxEntries) return undefined;
    const run = runFrom(events, index);
    entries.push(run.length > 1 ? packRun(run) : event);
    index += run.length;
  }
  return entries;
}

/** The events from `start` on that belong together, at least one. */
function runFrom(events: readonly AgentEvent[], start: number): readonly AgentEvent[] {
  const first = events[start];
  let end = start + 1;
  if (first !== undefined && isPackable(first)) {
    for (let next = events[end]; next !== undefined && isLike(first, next); next = events[end]) end++;
  }
  return events.slice(start, end);
}

/** An increment without anything that others have not, such as `raw`. */
function isPackable(event: AgentEvent): event is Delta {
  if (event.type !== "message.delta" && event.type !== "reasoning.delta") return false;
  const members = 6 + ("turnId" in event ? 1 : 0) + ("parentToolCallId" in event ? 1 : 0);
  return Object.keys(event).length === members;
}

function isLike(first: Delta, event: AgentEvent): boolean {
  return (
    isPackable(event) &&
    event.type === first.type &&
    event.messageId === first.messageId &&
    event.turnId === first.turnId &&
    event.parentToolCallId === first.parentToolCallId &&
    "turnId" in event === "turnId" in first &&
    "parentToolCallId" in event === "parentToolCallId" in first
  );
}

function packRun(events: readonly AgentEvent[]): Run {
  const deltas = events as readonly [Delta, ...Delta[]];
  const ends = new Uint32Array(deltas.length);
  const times = new Float64Array(deltas.length);
  const texts: string[] = [];
  let length = 0;
  for (const [index, { text, at }] of deltas.entries()) {
    texts.push(text);
    length += text.length;
    ends[index] = length;
    times[index] = at;
  }
  return { first: { ...deltas[0], text: "" }, text: texts.join(""), ends, times };
}

function unpacked({ first, text, ends, times }: Run, index: number): AgentEvent {
  return {
    ...first,
    text: text.slice(index === 0 ? 0 : ends[index - 1], ends[index]),
    seq: first.seq + index,
    at: times[index] ?? first.at,
  };
}
