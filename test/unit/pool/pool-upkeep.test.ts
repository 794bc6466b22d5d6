import { describe, expect, it } from "vitest";
import { openPool, settle, until } from "./support.ts";

describe("a sandbox that dies while it waits", () => {
  for (const end of ["lose", "crash"] as const) {
    it(`is replaced, and not handed out (${end})`, async () => {
      const { pool, provider, events } = openPool({ size: 2 });
      await until(() => pool.stats.idle === 2);
      const [first] = events;
      if (first?.type !== "sandbox.created") throw new Error("There is no sandbox.");
      const id = first.id.slice("memory/".length);
      provider[end](id);
      const taken = [await pool.take(), await pool.take(), await pool.take()];
      expect(taken.map(({ box }) => box.id)).not.toContain(first.id);
      for (const { session } of taken) expect((await session.prompt("Hello.")).text).toBe("you said Hello.");
      expect(events).toContainEqual({ type: "sandbox.evicted", id: first.id, reason: "died" });
      await pool.close();
      expect(provider.left).toBe(0);
    });
  }

  it("is not replaced without end where each dies at once", async () => {
    const { pool, provider, events } = openPool({ size: 1, backoff: { initialMs: 10, maxMs: 1_000 } });
    const delays: number[] = [];
    for (let round = 0; round < 5; round++) {
      await until(() => pool.stats.idle === 1);
      provider.crash(String(provider.created));
      await until(() => pool.stats.failures === round + 1);
      await settle();
      const last = events.filter((event) => event.type === "sandbox.failed").at(-1);
      delays.push(last?.retryAfterMs ?? 0);
    }
    expect(delays[4]).toBeGreaterThan(80);
    await using taken = await pool.take();
    expect(taken.session.status).toBe("idle");
  });

  it("is asked before it is handed out where no process of it would tell", async () => {
    const { pool, provider, events } = openPool({ size: 2, mode: "turn" });
    await until(() => pool.stats.idle === 2);
    for (const event of [...events]) {
      if (event.type === "sandbox.created") provider.lose(event.id.slice("memory/".length));
    }
    expect(pool.stats.idle).toBe(2);
    const dead = events.flatMap((event) => (event.type === "sandbox.created" ? [event.id] : []));
    const taken = await Promise.all([pool.take(), pool.take(), pool.take()]);
    for (const { box, session } of taken) {
      expect(dead).not.toContain(box.id);
      expect((await session.prompt("Hello.")).text).toBe("you said Hello.");
    }
  });

  it("is asked once for each who waits, and kept when nobody does any more", async () => {
    const { pool, events } = openPool({ size: 1, maxSize: 1, checkOnTake: true });
    await until(() => pool.stats.idle === 1);
    const controller = new AbortController();
    const taking = pool.take({ signal: controller.signal });
    controller.abort();
    await expect(taking).rejects.toThrow();
    await settle();
    expect(pool.stats).toMatchObject({ idle: 1, taken: 0 });
    expect(events.map(({ type }) => type)).toEqual(["sandbox.created"]);
    await using taken = await pool.take();
    expect(taken.session.status).toBe("idle");
  });

  it("is not looked at any more when it was taken", async () => {
    const { pool, provider } = openPool({ size: 0 });
    await using taken = await pool.take();
    provider.crash("1");
    await settle();
    expect(pool.stats).toMatchObject({ taken: 1, failures: 0 });
    // As with every session: the next prompt starts another process.
    expect((await taken.session.prompt("Hello.")).text).toBe("you said Hello.");
  });
});

describe("a sandbox that waits for too long", () => {
  it("is replaced before its time is over", async () => {
    const { pool, events, provider } = openPool({ size: 2, maxSize: 4, idleTtlMs: 150 });
    let fewest = Infinity;
    await until(() => pool.stats.idle === 2);
    await until(() => {
      fewest = Math.min(fewest, pool.stats.idle);
      return events.filter((event) => event.type === "sandbox.evicted").length >= 4;
    });
    expect(fewest).toBe(2);
    expect(
      new Set(events.flatMap((event) => (event.type === "sandbox.evicted" ? [event.reason] : []))),
    ).toEqual(new Set(["expired"]));
    expect(provider.mostEver).toBeLessThanOrEqual(4);
    expect(pool.stats.failures).toBe(0);
  });

  it("makes room for its replacement where there is none", async () => {
    const { pool, events, provider } = openPool({ size: 1, maxSize: 1, idleTtlMs: 60 });
    await until(() => events.filter((event) => event.type === "sandbox.created").length >= 4);
    expect(provider.mostEver).toBe(1);
    expect(pool.stats.failures).toBe(0);
  });

  it("is replaced before the sandbox's own time is over", async () => {
    const { pool, events } = openPool({ size: 1, idleTtlMs: 60_000, ttlMs: 100 });
    await until(() => events.some((event) => event.type === "sandbox.evicted" && event.reason === "expired"));
    expect(pool.stats.failures).toBe(0);
  });

  it("is not handed out when no replacement could be made", async () => {
    let calls = 0;
    const { pool, events } = openPool({
      size: 1,
      idleTtlMs: 40,
      faults: { create: () => (++calls === 1 ? undefined : Promise.reject(new Error("No room."))) },
    });
    await until(() => events.some((event) => event.type === "sandbox.evicted"));
    await expect(pool.take({ timeoutMs: 10 })).rejects.toMatchObject({ code: "sandbox_create_failed" });
  });
});
