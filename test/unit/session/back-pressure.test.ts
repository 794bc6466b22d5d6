import { describe, expect, it } from "vitest";
import type { AgentEvent } from "../../../src/spec/events.ts";
import type { ScriptedAgent } from "../../../src/testing/scripted-backend.ts";
import { collect, completed, delta, historyOf, quiet, start, type Handler } from "./support.ts";

/** Prints more than a consumer may be behind, a little at a time. */
async function printMuch(agent: ScriptedAgent, total = 3000): Promise<void> {
  for (let index = 0; index < total; index++) await agent.say({ events: [delta(`${String(index)},`)] });
  await agent.say({ events: [completed] });
}

const stoppable: Handler = async (input, agent) => {
  if (input.type === "prompt") await printMuch(agent);
  if (input.type === "interrupt") await agent.say({ events: [{ type: "turn.interrupted", by: "host" }] });
};

/** An iterator that has taken the first events and then pauses. */
async function paused(turn: AsyncIterable<AgentEvent>): Promise<AsyncIterator<AgentEvent>> {
  const iterator = turn[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.next();
  await quiet();
  return iterator;
}

async function drain(iterator: AsyncIterator<AgentEvent>): Promise<AgentEvent[]> {
  const events: AgentEvent[] = [];
  for (;;) {
    const result = await iterator.next();
    if (result.done === true) return events;
    events.push(result.value);
  }
}

describe("back-pressure", () => {
  it("does not hold up an interrupt, and loses nothing of what came", async () => {
    const { box } = await start(stoppable);
    const session = await box.createSession();
    const turn = session.prompt("go");
    const iterator = await paused(turn);
    await turn.interrupt();
    expect(turn.status).toBe("interrupted");
    const events = await drain(iterator);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 3));
    expect(events.at(-1)?.type).toBe("turn.interrupted");
  });

  it("does not hold up close, and the agent is gone when it resolves", async () => {
    const { box, sandbox } = await start(stoppable);
    const session = await box.createSession();
    const iterator = await paused(session.prompt("go"));
    await session.close();
    expect(sandbox.runningProcesses).toBe(0);
    expect((await drain(iterator)).at(-1)?.type).toBe("turn.interrupted");
    expect((await historyOf(session)).at(-1)?.type).toBe("session.ended");
  });

  it("does not hold up close when the agent prints on after its last turn", async () => {
    const { box, sandbox } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      await agent.say({ events: [completed] });
      for (;;) await agent.say({ background: true, events: [delta("and on ", "m2")] });
    });
    const session = await box.createSession();
    const slow = session.events({ from: 1, backpressure: true });
    await session.prompt("go");
    await quiet();
    const before = performance.now();
    await session.close();
    expect(performance.now() - before).toBeLessThan(1500);
    expect(sandbox.runningProcesses).toBe(0);
    await slow.return();
  });

  it("does not hold up destroy", async () => {
    const { box } = await start(stoppable);
    const session = await box.createSession();
    const iterator = await paused(session.prompt("go"));
    const before = performance.now();
    await box.destroy();
    expect(performance.now() - before).toBeLessThan(1500);
    expect((await drain(iterator)).at(-1)?.type).toBe("turn.interrupted");
  });

  it("lets a consumer close its own session from inside of its loop", async () => {
    const { box } = await start(stoppable);
    const session = await box.createSession();
    const types: string[] = [];
    for await (const event of session.prompt("go")) {
      types.push(event.type);
      if (event.type === "message.delta" && types.length < 5) await session.close();
    }
    expect(types.at(-1)).toBe("turn.interrupted");
    expect(session.status).toBe("closed");
  });

  it("holds the agent up for the slower of two consumers of one turn, and both get everything", async () => {
    const { box } = await start(stoppable);
    const session = await box.createSession();
    const turn = session.prompt("go");
    const slow = turn[Symbol.asyncIterator]();
    const fast = collect(turn);
    for (let index = 0; index < 10; index++) {
      await slow.next();
      await quiet();
    }
    const rest = await drain(slow);
    expect(rest).toEqual((await fast).slice(10));
  });

  it("holds up no later turn for an iterator of an earlier one that is never read", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt") await printMuch(agent, input.text === "short" ? 10 : 3000);
    });
    const session = await box.createSession({ history: { maxEvents: 10_000 } });
    const first = session.prompt("short");
    const forgotten = first[Symbol.asyncIterator]();
    await first;
    expect((await session.prompt("long")).status).toBe("completed");
    const late = first[Symbol.asyncIterator]();
    expect((await session.prompt("long")).status).toBe("completed");
    const types = (await drain(forgotten)).map((event) => event.type);
    expect(types).toHaveLength(15);
    expect((await drain(late)).map((event) => event.type)).toEqual(types);
  });

  it("tells an iterator of an old turn that its events are not kept any more", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt") await printMuch(agent);
    });
    const session = await box.createSession({ history: { maxEvents: 500 } });
    const first = session.prompt("one");
    await first;
    const second = session.prompt("two");
    await second;
    await expect(collect(first)).rejects.toMatchObject({ code: "events_lagged" });
    await expect(collect(second)).rejects.toMatchObject({ code: "events_lagged" });
  });

  it("gives each of several calls of next() its own event, in order", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt") await printMuch(agent, 20);
    });
    const session = await box.createSession();
    const iterator = session.prompt("go")[Symbol.asyncIterator]();
    const results = await Promise.all(Array.from({ length: 30 }, async () => iterator.next()));
    const events = results.flatMap((result) => (result.done === true ? [] : [result.value]));
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)?.type).toBe("turn.completed");
    expect(results.slice(events.length).every((result) => result.done === true)).toBe(true);
  });

  it("applies to the turn after one that was interrupted before the agent was asked", async () => {
    let written = 0;
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      for (; written < 20_000; written++) await agent.say({ events: [delta("x")] });
      await agent.say({ events: [completed] });
    });
    const session = await box.createSession();
    const file = { type: "file", name: "a.txt", data: "a" } as const;
    const first = session.prompt([file], { reject: false });
    await first.interrupt();
    expect((await first).status).toBe("interrupted");
    const iterator = await paused(session.prompt("go"));
    for (let round = 0; round < 20; round++) await quiet();
    expect(written).toBeLessThan(3000);
    await iterator.return?.();
  });

  it("tells a subscriber without it that it fell behind, and where to resume", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt") await printMuch(agent);
    });
    const session = await box.createSession({ history: { maxEvents: 300 } });
    const subscriber = session.events({ from: 1 });
    await session.prompt("go");
    const error: unknown = await subscriber.next().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "events_lagged", details: { lastSeq: 0 } });
    const { resumeFrom } = (error as { details: { resumeFrom: number } }).details;
    const again = session.events({ from: resumeFrom });
    void session.close();
    const events = await collect(again);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => resumeFrom + index));
    expect(events.at(-1)?.type).toBe("session.ended");
    expect(await subscriber.next()).toEqual({ done: true, value: undefined });
  });

  it("is not caused by a subscription whose signal was aborted before", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt") await printMuch(agent);
    });
    const session = await box.createSession();
    const reason = new Error("no");
    const dead = session.events({ backpressure: true, signal: AbortSignal.abort(reason) });
    expect((await session.prompt("go")).status).toBe("completed");
    await expect(dead.next()).rejects.toBe(reason);
  });
});
