import fc from "fast-check";
import { setImmediate as nextTurnOfLoop } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { SandboxAgent } from "../../src/sandbox-agent.ts";
import { addUsage } from "../../src/session/usage-sum.ts";
import type { Turn } from "../../src/session/turn.ts";
import { type AgentEvent, terminalEventTypes } from "../../src/spec/events.ts";
import type { TurnResult } from "../../src/spec/turn-result.ts";
import { checkEventInvariants } from "../../src/testing/event-invariants.ts";
import { memorySandbox } from "../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend } from "../../src/testing/scripted-backend.ts";
import { junk, play, printLine, script, type Script } from "./random-agents.ts";

/** What the host program does with one of its turns. */
const consumer = fc.record({
  kind: fc.constantFrom("await", "iterate", "leave", "two", "forget"),
  /** After how many events it leaves, or interrupts a turn that does not end by itself. */
  count: fc.nat({ max: 12 }),
  interrupts: fc.boolean(),
});
type Consumer = typeof consumer extends fc.Arbitrary<infer Value> ? Value : never;

const scenario = fc.record({
  turns: fc.array(fc.record({ script, consumer }), { minLength: 1, maxLength: 3 }),
  mode: fc.constantFrom("session" as const, "turn" as const),
  end: fc.constantFrom("close", "destroy", "lose", "close early"),
  policy: fc.constantFrom("allow-all" as const, "deny-all" as const, "never" as const),
  includeRaw: fc.boolean(),
});

async function collect(events: AsyncIterable<AgentEvent>): Promise<AgentEvent[]> {
  const all: AgentEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** Uses a turn in the way told; what it got must be a gap-free part of the log, up to the turn's end where it stayed. */
async function consume(turn: Turn, { kind, count, interrupts }: Consumer): Promise<readonly AgentEvent[][]> {
  const read = async (leaveAfter: number): Promise<AgentEvent[]> => {
    const seen: AgentEvent[] = [];
    for await (const event of turn) {
      seen.push(event);
      if (interrupts && seen.length === count) void turn.interrupt();
      if (seen.length >= leaveAfter) break;
    }
    return seen;
  };
  switch (kind) {
    case "iterate":
      return [await read(Infinity)];
    case "leave":
      return [await read(count + 1)];
    case "two":
      return Promise.all([read(Infinity), collect(turn)]);
    case "forget": {
      const forgotten = turn[Symbol.asyncIterator]();
      const first = await forgotten.next();
      return [first.done === true ? [] : [first.value]];
    }
    default:
      return [];
  }
}

const isTerminal = (event: AgentEvent): boolean =>
  (terminalEventTypes as readonly string[]).includes(event.type);

describe("the events of a random agent, used by a random host", () => {
  it("keep every promise, whatever dies and whoever leaves", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ turns, mode, end, policy, includeRaw }) => {
        const scripts = new Map<string, Script>(
          turns.map(({ script: one }, index) => [`turn ${String(index)}`, one]),
        );
        let playing = 0;
        const program = scriptedAgent(async (input, agent) => {
          if (input.type === "interrupt") {
            await printLine(agent, Buffer.from('{"events":[{"type":"turn.interrupted","by":"host"}]}\n'));
          }
          if (input.type !== "prompt") return undefined;
          playing++;
          try {
            return await play(scripts.get(input.text)!, agent);
          } finally {
            playing--;
          }
        });
        const sandbox = memorySandbox({ programs: { "scripted-agent": program } });
        const box = await SandboxAgent.start({ sandbox, agent: scriptedBackend({ mode }) });
        const session = await box.createSession({
          includeRaw,
          permissions: policy === "never" ? async () => new Promise(() => undefined) : policy,
          ...(policy === "never" ? {} : { onQuestion: () => undefined }),
        });
        const heard: AgentEvent[] = [];
        session.onEvent((event) => heard.push(event));

        const made = [...scripts.keys()].map((text) => session.prompt(text, { reject: false }));
        const readings = made.map(async (turn, index) => consume(turn, turns[index]!.consumer));
        const watch = (async () => {
          // A turn that does not end by itself is interrupted once nothing happens any more.
          let idleRounds = 0;
          while (made.some((turn) => turn.status === "queued" || turn.status === "running")) {
            const before = heard.length;
            await nextTurnOfLoop();
            idleRounds = playing === 0 && heard.length === before ? idleRounds + 1 : 0;
            if (idleRounds > 10) await session.interrupt();
          }
        })();
        if (end === "close early") await session.close();
        const results: TurnResult[] = await Promise.all(made);
        await watch;
        if (end === "lose") sandbox.lose(box.sandbox.id);
        if (end === "destroy" || end === "lose") await box.destroy();
        else await session.close();
        const read = (await Promise.all(readings)).flat();

        const events = await collect(session.events({ from: 1 }));
        expect(checkEventInvariants(events)).toEqual([]);
        expect(events.at(-1)?.type).toBe("session.ended");
        expect(heard).toEqual(events);
        expect(
          events
            .filter(isTerminal)
            .map(({ turnId }) => turnId)
            .sort(),
        ).toEqual(made.map(({ id }) => id).sort());
        for (const [index, result] of results.entries()) {
          expect(result.turnId).toBe(made[index]!.id);
          const terminal = events.find((event) => isTerminal(event) && event.turnId === result.turnId);
          expect(terminal).toMatchObject({ type: `turn.${result.status}`, text: result.text });
          const own = events.filter(({ turnId }) => turnId === result.turnId);
          expect(await collect(made[index]!)).toEqual(own);
        }
        const sum = results.reduce((total, { usage }) => addUsage(total, usage), {
          inputTokens: 0,
          outputTokens: 0,
        });
        expect(session.usage).toEqual(sum);
        for (const part of read) {
          const own = events.filter(({ turnId }) => turnId === part[0]?.turnId);
          expect(part).toEqual(own.slice(0, part.length));
        }
        await box.destroy();
        expect(sandbox.runningProcesses + sandbox.liveSandboxes).toBe(0);
      }),
      { numRuns: 250 },
    );
  });
});

/** The events of one turn, without what differs from one run to the next. */
async function eventsOf(
  bytes: Uint8Array,
  places: readonly number[],
  exitCode: number,
): Promise<readonly unknown[]> {
  const program = scriptedAgent(async (input, agent) => {
    if (input.type !== "prompt") return undefined;
    const cuts = [...places.map((place) => place % (bytes.length + 1)), 0, bytes.length].sort(
      (a, b) => a - b,
    );
    for (const [index, cut] of cuts.entries())
      await agent.process.write(bytes.subarray(cut, cuts[index + 1]));
    return exitCode;
  });
  const sandbox = memorySandbox({ programs: { "scripted-agent": program } });
  await using box = await SandboxAgent.start({ sandbox, agent: scriptedBackend() });
  const session = await box.createSession({ includeRaw: true });
  const turn = session.prompt("go", { reject: false });
  await turn;
  await session.close();
  const events = await collect(session.events({ from: 1 }));
  expect(checkEventInvariants(events)).toEqual([]);
  expect(events.filter(isTerminal)).toHaveLength(1);
  return events.map((event) =>
    Object.fromEntries(
      Object.entries(event).filter(
        ([name]) => !["at", "sessionId", "turnId", "durationMs", "raw"].includes(name),
      ),
    ),
  );
}

describe("the bytes that an agent prints", () => {
  const said = script.map(({ acts }) =>
    Buffer.concat(
      acts.map((act) => {
        if (act.do === "print") return act.bytes;
        return Buffer.from(act.do === "say" ? `${JSON.stringify(act.line)}\n` : "");
      }),
    ),
  );

  it("give the same events wherever they are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        said,
        fc.array(fc.nat(), { maxLength: 10 }),
        fc.nat({ max: 2 }),
        async (bytes, places, exitCode) => {
          expect(await eventsOf(bytes, places, exitCode)).toEqual(await eventsOf(bytes, [], exitCode));
        },
      ),
      { numRuns: 200 },
    );
  });

  it("give events and one terminal event, whatever they are", async () => {
    const anything = fc.array(fc.oneof(junk, fc.uint8Array({ maxLength: 300 }), said), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(anything, async (pieces) => {
        const bytes = Buffer.concat(pieces);
        const events = await eventsOf(bytes, [], 1);
        expect(events.length).toBeGreaterThanOrEqual(4);
      }),
      { numRuns: 200 },
    );
  });
});
