import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventCursor } from "../../../src/log/event-cursor.ts";
import { EventLog } from "../../../src/log/event-log.ts";
import type { AgentEvent } from "../../../src/spec/events.ts";

function newLog(options: Partial<ConstructorParameters<typeof EventLog>[1]> = {}): EventLog {
  return new EventLog("s", {
    onListenerError: (error) => {
      throw error;
    },
    ...options,
  });
}

function append(log: EventLog, count = 1, bytes = 0): void {
  for (let index = 0; index < count; index++) {
    log.append({ type: "agent.notice", level: "info", message: String(log.lastSeq + 1) }, bytes);
  }
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => false,
    () => false,
  );
  return Promise.race([settled, new Promise<boolean>((resolve) => setImmediate(resolve, true))]);
}

/** What a reader has got so far; reads on its own when it is told to. */
class Reader {
  readonly cursor: EventCursor;
  readonly seqs: number[] = [];
  readonly first: number;
  outcome: "reading" | "ended" | "lagged" | "aborted" | "left" = "reading";
  resumeFrom = 0;
  readonly controller = new AbortController();

  constructor(log: EventLog, options: { readonly from?: number; readonly backpressure: boolean }) {
    this.first = options.from ?? log.lastSeq + 1;
    this.cursor = log.subscribe({ ...options, signal: this.controller.signal });
  }

  async read(count: number): Promise<void> {
    const results = Array.from({ length: count }, () => this.cursor.next());
    for (const result of results) {
      if (await isPending(result)) {
        // Asked ahead: the answer comes with a later event.
        void result.then(
          (later) => this.#take(later),
          (error: unknown) => this.#fail(error),
        );
      } else {
        await result.then(
          (now) => this.#take(now),
          (error: unknown) => this.#fail(error),
        );
      }
    }
  }

  #take(result: IteratorResult<AgentEvent, undefined>): void {
    if (result.done !== true) this.seqs.push(result.value.seq);
    else if (this.outcome === "reading") this.outcome = "ended";
  }

  #fail(error: unknown): void {
    const { code, details } = error as { code?: string; details?: { resumeFrom: number } };
    if (this.outcome !== "reading") return;
    this.outcome = code === "events_lagged" ? "lagged" : "aborted";
    this.resumeFrom = details?.resumeFrom ?? 0;
  }
}

type Action =
  | { readonly do: "append"; readonly count: number; readonly bytes: number }
  | { readonly do: "subscribe"; readonly from: number; readonly backpressure: boolean }
  | { readonly do: "read"; readonly reader: number; readonly count: number }
  | { readonly do: "leave" | "abort"; readonly reader: number };

const reader = fc.nat({ max: 5 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      count: fc.nat({ max: 400 }),
      bytes: fc.nat({ max: 50 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("subscribe" as const),
      from: fc.nat({ max: 1500 }),
      backpressure: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("read" as const), reader, count: fc.nat({ max: 12 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("leave" as const, "abort" as const), reader }) },
);

describe("EventLog", () => {
  it("hands out plain objects, of which a copy is as good", () => {
    const log = newLog();
    const delta = { type: "message.delta", messageId: "m", text: "one" } as const;
    const place = { seq: 1, at: expect.any(Number) as number, sessionId: "s", turnId: "t" };
    const events = [
      log.append({ ...delta }, 0, "t"),
      log.appendText("m", "one", 0, "t"),
      log.append({ ...delta, parentToolCallId: "p" }, 0, "t"),
      log.append({ ...delta, raw: {} }, 0, "t"),
    ];
    expect(events).toStrictEqual([
      { ...delta, ...place },
      { ...delta, ...place, seq: 2 },
      { ...delta, ...place, seq: 3, parentToolCallId: "p" },
      { ...delta, ...place, seq: 4, raw: {} },
    ]);
    expect(structuredClone(events)).toStrictEqual(events);
  });

  it("gives every reader a gap-free run from where it began, or tells it where to resume", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        const log = newLog({ maxEvents: 600, maxBytes: 20_000, highWaterMark: 64 });
        const readers: Reader[] = [];
        for (const step of actions) {
          if (step.do === "append") append(log, step.count, step.bytes);
          else if (step.do === "subscribe") {
            readers.push(new Reader(log, { from: step.from + 1, backpressure: step.backpressure }));
          } else {
            const chosen = readers[step.reader];
            if (chosen === undefined) continue;
            if (step.do === "read") await chosen.read(step.count);
            else if (step.do === "abort") chosen.controller.abort(new Error("enough"));
            else {
              if (chosen.outcome === "reading") chosen.outcome = "left";
              await chosen.cursor.return();
            }
          }
          const slowest = readers.filter(({ outcome }) => outcome === "reading");
          expect(log.pressure === undefined || slowest.length > 0).toBe(true);
        }
        log.end();
        for (const { cursor, outcome } of readers) if (outcome !== "reading") await cursor.return();
        for (const each of readers) while (each.outcome === "reading") await each.read(50);
        for (const each of readers) {
          expect(each.seqs).toEqual(each.seqs.map((_, index) => each.first + index));
          if (each.outcome === "ended")
            expect(each.seqs.at(-1) ?? each.first > log.lastSeq).toBe(each.seqs.length === 0 || log.lastSeq);
          if (each.outcome === "lagged") {
            expect(each.resumeFrom).toBeGreaterThan(each.first + each.seqs.length - 1);
            const again = new Reader(log, {
              from: Math.max(each.resumeFrom, log.firstSeq),
              backpressure: false,
            });
            while (again.outcome === "reading") await again.read(200);
            expect(again.outcome).toBe("ended");
            expect(again.seqs.at(-1)).toBe(log.lastSeq);
          }
        }
        expect(log.pressure).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });

  it("keeps at most about its bounds, but never drops what a reader with back-pressure has not read", () => {
    const log = newLog({ maxEvents: 1000, maxBytes: 1_000_000 });
    append(log, 5000);
    expect(log.lastSeq - log.firstSeq).toBeLessThan(1000 + 2 * 256);
    append(log, 2000, 10_000);
    expect((log.lastSeq - log.firstSeq) * 10_000).toBeLessThan(1_000_000 + 2 * 256 * 10_000);
    const held = log.subscribe({ backpressure: true });
    const { position } = held;
    append(log, 5000, 10_000);
    expect(log.firstSeq).toBeLessThanOrEqual(position);
    held.close();
    append(log, 600);
    expect(log.firstSeq).toBeGreaterThan(position);
  });

  it("presses from the high-water mark until half of it is read", async () => {
    const log = newLog({ highWaterMark: 100 });
    const cursor = log.subscribe({ backpressure: true });
    append(log, 99);
    expect(log.pressure).toBeUndefined();
    append(log);
    const { pressure } = log;
    expect(pressure).toBeDefined();
    expect(log.pressure).toBe(pressure);
    for (let index = 0; index < 50; index++) await cursor.next();
    expect(await isPending(pressure!)).toBe(true);
    // It looks at every sixteenth of the mark, not at each event.
    for (let index = 0; index < 6; index++) await cursor.next();
    await pressure;
    expect(log.pressure).toBeUndefined();
  });

  it("presses for large events long before their number does", async () => {
    const log = newLog({ maxBytes: 1000 });
    const cursor = log.subscribe({ backpressure: true });
    append(log, 3, 400);
    const { pressure } = log;
    expect(pressure).toBeDefined();
    for (let index = 0; index < 3; index++) await cursor.next();
    await pressure;
  });

  it.each(["close", "abort", "lift"] as const)("stops pressing upon %s", async (how) => {
    const log = newLog({ highWaterMark: 2 });
    const controller = new AbortController();
    const cursor = log.subscribe({ backpressure: true, signal: controller.signal });
    append(log, 5);
    const { pressure } = log;
    if (how === "close") cursor.close();
    else if (how === "abort") controller.abort(new Error("enough"));
    else log.liftPressure(true);
    await pressure;
    expect(log.pressure).toBeUndefined();
  });

  it("wakes readers that wait, in the order they asked", async () => {
    const log = newLog();
    const cursor = log.subscribe();
    const waiting = [cursor.next(), cursor.next(), cursor.next()];
    append(log, 2);
    const late = cursor.next();
    append(log, 2);
    const seqs = (await Promise.all([...waiting, late])).map((result) => result.value?.seq);
    expect(seqs).toEqual([1, 2, 3, 4]);
  });

  it("ends readers that wait, and those that come later, and lets go of their signals", async () => {
    const log = newLog();
    const { signal } = new AbortController();
    const waiter = log.subscribe({ signal });
    const waiting = waiter.next();
    append(log);
    const behind = log.subscribe({ from: 1, signal });
    const unread = log.subscribe({ signal });
    log.end();
    expect(await waiting).toMatchObject({ value: { seq: 1 } });
    expect((await behind.next()).done).toBe(false);
    expect((await behind.next()).done).toBe(true);
    expect((await unread.next()).done).toBe(true);
    expect((await log.subscribe({ from: 9 }).next()).done).toBe(true);
    expect((await waiter.next()).done).toBe(true);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("rejects with the reason upon abort, also what waits, and ends then", async () => {
    const log = newLog();
    const reason = new Error("enough");
    const controller = new AbortController();
    const cursor = log.subscribe({ signal: controller.signal });
    const waiting = [cursor.next(), cursor.next()];
    controller.abort(reason);
    for (const each of waiting) await expect(each).rejects.toBe(reason);
    append(log);
    await expect(cursor.next()).rejects.toBe(reason);
  });

  it("never lets time go back", () => {
    const log = newLog();
    const now = Date.now;
    const times = [1000, 900, 2000, 1500];
    Date.now = () => times.shift() ?? 0;
    try {
      const logged = [1, 2, 3, 4].map(
        () => log.append({ type: "agent.notice", level: "info", message: "x" }).at,
      );
      expect(logged).toEqual([1000, 1000, 2000, 2000]);
    } finally {
      Date.now = now;
    }
  });
});
