import fc from "fast-check";
import { setImmediate as nextTurnOfLoop } from "node:timers/promises";
import { expect, it } from "vitest";
import { SandboxPool, type PooledSandbox } from "../../../src/pool/sandbox-pool.ts";
import { scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import { countingProvider, type CountingProvider } from "./support.ts";

const rarely = fc.nat({ max: 4 }).map((number) => number === 4);

/** What becomes of each call to the provider, in turn: for how many turns of the event loop it takes, and its end. */
const call = fc.record({ turns: fc.nat({ max: 6 }), fails: rarely, hangs: rarely });

const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("take" as const),
      abortAfter: fc.option(fc.nat({ max: 8 }), { freq: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("dispose" as const), which: fc.nat(), twice: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("resize" as const), size: fc.nat({ max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), which: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("pass" as const), turns: fc.integer({ min: 1, max: 30 }) }),
  },
);

const scenario = fc.record({
  size: fc.nat({ max: 4 }),
  maxSize: fc.integer({ min: 4, max: 6 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  mode: fc.constantFrom("session" as const, "turn" as const),
  idleTtlMs: fc.constantFrom(undefined, 5),
  creations: fc.array(call, { maxLength: 30, size: "max" }),
  agents: fc.array(rarely, { maxLength: 20, size: "max" }),
  removals: fc.array(fc.record({ turns: fc.nat({ max: 6 }) }), { maxLength: 20 }),
  acts: fc.array(act, { minLength: 10, maxLength: 60, size: "max" }),
  closesTwice: fc.boolean(),
});

async function aborted(signal: AbortSignal | undefined): Promise<never> {
  if (signal?.aborted !== true) {
    await new Promise((resolve) => signal?.addEventListener("abort", resolve, { once: true }));
  }
  throw signal?.reason;
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurnOfLoop();
}

it("keeps its limit at every moment and leaves nothing, whatever fails and whoever leaves", async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      const { size, maxSize, concurrency, mode, idleTtlMs } = given;
      const creations = [...given.creations];
      const agents = [...given.agents];
      const removals = [...given.removals];
      const provider: CountingProvider = countingProvider({
        create: async (_spec, signal) => {
          const next = creations.shift();
          await turns(next?.turns ?? 0);
          // A contract of providers: an abort ends it.
          if (next?.hangs === true) await aborted(signal);
          if (next?.fails === true) throw new Error("The provider has failed.");
        },
        agent: () => (agents.shift() === true ? 1 : undefined),
        destroy: async () => turns(removals.shift()?.turns ?? 0),
      });
      const handedOut = new Set<string>();
      const dead = new Set<string>();
      const known: string[] = [];
      const problems: string[] = [];
      const pool = new SandboxPool({
        ...{ sandbox: provider, agent: scriptedBackend({ mode }), size, maxSize, concurrency },
        ...(idleTtlMs === undefined ? {} : { idleTtlMs }),
        backoff: { initialMs: 1, maxMs: 3 },
        takeTimeoutMs: 2_000,
        // Longer than anything takes that does not hang.
        createTimeoutMs: 500,
        onEvent: (event) => {
          if (event.type === "sandbox.created") known.push(event.id.slice("memory/".length));
          look();
        },
      });
      const look = (): void => {
        const { idle, taken, creating, ending } = pool.stats;
        if (idle + taken + creating + ending > maxSize) problems.push(`stats: ${JSON.stringify(pool.stats)}`);
        if (provider.existing > maxSize) problems.push(`${String(provider.existing)} sandboxes exist`);
      };

      const held: PooledSandbox[] = [];
      const takes: Promise<unknown>[] = [];
      const take = async (abortAfter: number | null): Promise<void> => {
        const controller = new AbortController();
        const aborting = abortAfter === null ? undefined : turns(abortAfter).then(() => controller.abort());
        const wasDead = new Set(dead);
        try {
          const taken = await pool.take({ signal: controller.signal });
          const id = taken.box.sandbox.id;
          if (handedOut.has(id)) problems.push(`${id} was handed out twice`);
          if (wasDead.has(id)) problems.push(`${id} was dead when it was asked for`);
          handedOut.add(id);
          held.push(taken);
        } catch (error) {
          const code = error instanceof Error && "code" in error ? error.code : undefined;
          const isAbort = controller.signal.aborted && error === controller.signal.reason;
          if (!isAbort && code !== "pool_closed") problems.push(`take() failed: ${String(error)}`);
        }
        await aborting;
      };
      const end = (which: number, how: "lose" | "crash"): void => {
        const waiting = known.filter((id) => !handedOut.has(id));
        const id = waiting[which % waiting.length];
        if (id === undefined) return;
        provider[how](id);
        // Nothing tells that a CLI has died which is started for each turn.
        if (how === "lose") dead.add(id);
      };
      for (const next of given.acts) {
        if (next.do === "take") takes.push(take(next.abortAfter));
        else if (next.do === "dispose") {
          const [taken] = held.splice(held.length === 0 ? 0 : next.which % held.length, 1);
          for (let count = 0; count < (next.twice ? 2 : 1); count++) {
            takes.push((async () => taken?.[Symbol.asyncDispose]())());
          }
        } else if (next.do === "resize") pool.resize(next.size);
        else if (next.do === "lose" || next.do === "crash") end(next.which, next.do);
        else {
          for (let turn = 0; turn < next.turns; turn++) {
            await nextTurnOfLoop();
            look();
          }
        }
        look();
      }
      const closed = pool.close();
      if (given.closesTwice) await Promise.all([closed, pool.close()]);
      await closed;
      await Promise.all(takes);
      expect(problems).toEqual([]);
      expect(provider.mostEver).toBeLessThanOrEqual(maxSize);
      expect(provider.mostCreatedAtOnce).toBeLessThanOrEqual(concurrency);
      expect(provider.existing + provider.left).toBe(0);
      expect(pool.stats).toMatchObject({ idle: 0, taken: 0, creating: 0, ending: 0, waiting: 0 });
      await expect(pool.take()).rejects.toMatchObject({ code: "pool_closed" });
    }),
    { numRuns: 150 },
  );
});

it("serves everybody in the end, in the order in which they came, whatever fails on the way", async () => {
  await fc.assert(
    fc.asyncProperty(scenario, fc.integer({ min: 1, max: 12 }), async (given, users) => {
      const creations = [...given.creations];
      const agents = [...given.agents];
      const provider = countingProvider({
        create: async () => {
          const next = creations.shift();
          await turns(next?.turns ?? 0);
          if (next?.fails === true) throw new Error("The provider has failed.");
        },
        agent: () => (agents.shift() === true ? 1 : undefined),
      });
      const { size, maxSize, concurrency, mode } = given;
      await using pool = new SandboxPool({
        ...{ sandbox: provider, agent: scriptedBackend({ mode }), size, maxSize, concurrency },
        backoff: { initialMs: 1, maxMs: 2 },
      });
      const order: number[] = [];
      await Promise.all(
        Array.from({ length: users }, async (_, user) => {
          await using taken = await pool.take();
          order.push(user);
          const { text } = await taken.session.prompt(String(user), { reject: false });
          // Where the agent fails in mode "turn", it is the prompt that tells.
          if (mode === "session") expect(text).toBe(`you said ${String(user)}`);
        }),
      );
      expect(order).toEqual(order.map((_, index) => index));
      expect(order).toHaveLength(users);
    }),
    { numRuns: 60 },
  );
});
