import { describe, expect, it } from "vitest";
import { EventLog } from "../../../src/log/event-log.ts";
import { TurnEvents } from "../../../src/session/turn-events.ts";

const turnId = "turn-1";

function stream(): { readonly log: EventLog; readonly events: TurnEvents } {
  const log = new EventLog("session-1", { onListenerError: () => undefined });
  const queuedEvent = log.append({ type: "turn.queued", turnId, position: 0 });
  const onLeave = async (): Promise<void> => undefined;
  const events = new TurnEvents({ log, turnId, queuedEvent, started: Promise.resolve(), onLeave });
  events.open(log.lastSeq + 1);
  return { log, events };
}

function appendDeltas(log: EventLog, count: number): void {
  for (let index = 0; index < count; index += 1) {
    log.append({ type: "message.delta", messageId: "message-1", text: String(index) }, 0, turnId);
  }
}

/** How often promises that are settled already let others go on before `task` is done. */
async function microtasks(task: Promise<unknown>): Promise<number> {
  const state = { isDone: false, count: 0 };
  void task.then(() => {
    state.isDone = true;
  });
  while (!state.isDone) {
    await Promise.resolve();
    state.count += 1;
  }
  return state.count;
}

async function read(events: TurnEvents, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await events.next();
}

describe("the events of a turn", () => {
  it("that are there already cost one promise each, also for a consumer that has waited before", async () => {
    const count = 1000;
    const { log, events } = stream();
    await events.next();
    const first = events.next();
    appendDeltas(log, count);
    await first;
    expect(await microtasks(read(events, count - 1))).toBeLessThan(1.1 * count);
  });

  it("are handed to calls that wait side by side in the order of the calls", async () => {
    const { log, events } = stream();
    const waiting = [events.next(), events.next(), events.next()];
    appendDeltas(log, 4);
    const read = [...(await Promise.all(waiting)), await events.next(), await events.next()];
    expect(read.map(({ value }) => value?.seq)).toEqual([1, 2, 3, 4, 5]);
  });
});
