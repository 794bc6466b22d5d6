import { describe, expect, it } from "vitest";
import { openPool, settle, until } from "./support.ts";

describe("a pool", () => {
  it("has sessions ready before anybody asks, hands each out once, and replaces it", async () => {
    const { pool, provider, events } = openPool({ size: 2, maxSize: 4 });
    await until(() => pool.stats.idle === 2);
    expect(provider.existing).toBe(2);
    const first = await pool.take();
    expect(first.session.status).toBe("idle");
    expect((await first.session.prompt("Hello.")).text).toBe("you said Hello.");
    await until(() => pool.stats.idle === 2);
    const second = await pool.take();
    expect(second.box.id).not.toBe(first.box.id);
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    await until(() => pool.stats.idle === 2);
    expect(pool.stats).toMatchObject({ taken: 1, creating: 0, ending: 0, waiting: 0, failures: 0 });
    await expect(first.box.exec(["true"])).rejects.toMatchObject({ code: "sandbox_closed" });
    expect(provider.existing).toBe(3);
    const told = (wanted: string): readonly string[] =>
      events.flatMap((event) => (event.type === wanted && "id" in event ? [event.id] : []));
    expect(told("sandbox.created")).toHaveLength(4);
    expect(told("sandbox.taken")).toEqual([first.box.id, second.box.id]);
    expect(told("sandbox.destroyed")).toEqual([first.box.id]);
    expect(events).toHaveLength(7);
    await pool.close();
    expect(provider.left).toBe(0);
  });

  it("is given the session's own options", async () => {
    const { pool } = openPool({ session: { cwd: "/workspace/there", model: "other" } });
    await using taken = await pool.take();
    expect(taken.session).toMatchObject({ cwd: "/workspace/there", model: "other", agent: "scripted" });
  });

  it("serves those who wait in the order in which they came", async () => {
    const { pool } = openPool({ size: 0, maxSize: 1 });
    const order: number[] = [];
    const users = [1, 2, 3, 4].map(async (user) => {
      await using taken = await pool.take();
      order.push(user);
      await taken.session.prompt("Hello.");
    });
    await Promise.all(users);
    expect(order).toEqual([1, 2, 3, 4]);
  });

  it("never has more than maxSize, and makes no more than `concurrency` at a time", async () => {
    const { pool, provider } = openPool({
      size: 3,
      maxSize: 5,
      concurrency: 2,
      faults: { create: settle, destroy: settle },
    });
    const users = Array.from({ length: 20 }, async () => {
      await using _taken = await pool.take();
      await settle();
    });
    await Promise.all(users);
    expect(provider.mostEver).toBe(5);
    expect(provider.mostCreatedAtOnce).toBe(2);
    await until(() => pool.stats.idle === 3);
    await pool.close();
    expect(provider.left).toBe(0);
  });

  it("grows and shrinks", async () => {
    const { pool, provider, events } = openPool({ size: 1, maxSize: 4 });
    pool.resize(4);
    await until(() => pool.stats.idle === 4);
    pool.resize(1);
    await until(() => provider.existing === 1);
    expect(pool.stats).toMatchObject({ idle: 1, ending: 0 });
    expect(pool.size).toBe(1);
    const evicted = events.filter((event) => event.type === "sandbox.evicted");
    expect(evicted.map(({ reason }) => reason)).toEqual(["surplus", "surplus", "surplus"]);
  });

  it("aborts what is being made when nobody wants it any more", async () => {
    const aborted: unknown[] = [];
    const { pool, provider } = openPool({
      size: 2,
      faults: {
        create: (_spec, signal) =>
          new Promise((_resolve, reject) => {
            signal?.addEventListener("abort", () => {
              aborted.push(signal.reason);
              reject(signal.reason as Error);
            });
          }),
      },
    });
    await until(() => provider.existing === 2);
    pool.resize(0);
    await until(() => pool.stats.creating === 0);
    expect(aborted).toHaveLength(2);
    expect(pool.stats.failures).toBe(0);
    const controller = new AbortController();
    const taking = pool.take({ signal: controller.signal });
    await until(() => provider.existing === 1);
    const reason = new Error("The user has left.");
    controller.abort(reason);
    await expect(taking).rejects.toBe(reason);
    await until(() => provider.existing === 0);
    expect(pool.stats).toMatchObject({ creating: 0, waiting: 0 });
  });

  it("gives a taken one's room to somebody else even where it was destroyed by its own method before", async () => {
    const { pool, provider } = openPool({ size: 0, maxSize: 1 });
    const taken = await pool.take();
    await taken.box.destroy();
    await taken[Symbol.asyncDispose]();
    await using next = await pool.take();
    expect(next.box.id).not.toBe(taken.box.id);
    expect(provider.existing).toBe(1);
  });

  it("tells a listener that throws, once, and is not harmed by it", async () => {
    const warnings: string[] = [];
    const listener = (warning: Error): number => warnings.push(warning.name);
    process.on("warning", listener);
    const { pool } = openPool({
      size: 2,
      onEvent: () => {
        throw new Error("a listener that throws");
      },
    });
    await until(() => pool.stats.idle === 2);
    await settle();
    process.off("warning", listener);
    expect(warnings).toEqual(["PlaypenListenerWarning"]);
  });

  it("lets a listener use the pool", async () => {
    const sizes: number[] = [];
    const { pool } = openPool({
      size: 1,
      onEvent: ({ type }) => {
        if (type === "sandbox.created" && pool.size < 3) pool.resize(pool.size + 1);
        sizes.push(pool.size);
      },
    });
    await until(() => pool.stats.idle === 3);
    expect(sizes).toEqual([2, 3, 3]);
  });
});
