import { describe, expect, it } from "vitest";
import { openPool, settle, until } from "./support.ts";

const forEver = (_spec: unknown, signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => {
      reject(signal.reason as Error);
    });
  });

describe("closing a pool", () => {
  it("ends what is idle, taken, being made and waited for, and refuses what comes after", async () => {
    let calls = 0;
    const { pool, provider } = openPool({
      size: 2,
      maxSize: 4,
      faults: { create: (spec, signal) => (++calls > 2 ? forEver(spec, signal) : undefined) },
    });
    await until(() => pool.stats.idle === 2);
    const taken = await pool.take();
    await until(() => provider.existing === 3);
    const last = await pool.take();
    const waiting = pool.take();
    const closed = pool.close();
    const again = pool.close();
    await expect(waiting).rejects.toMatchObject({ code: "pool_closed", details: { provider: "memory" } });
    await Promise.all([closed, again]);
    expect(provider.existing).toBe(0);
    expect(provider.left).toBe(0);
    expect(pool.stats).toEqual({ idle: 0, taken: 0, creating: 0, ending: 0, waiting: 0, failures: 0 });
    await expect(pool.take()).rejects.toMatchObject({ code: "pool_closed" });
    expect(() => {
      pool.resize(1);
    }).toThrow(expect.objectContaining({ code: "pool_closed" }) as Error);
    expect(taken.session.status).toBe("closed");
    expect(last.session.status).toBe("closed");
    await taken[Symbol.asyncDispose]();
  });

  it("waits for what is being removed already, and for a sandbox that is ready too late", async () => {
    let release: () => void = () => undefined;
    const { pool, provider } = openPool({
      size: 1,
      faults: {
        // A provider that looks at no signal.
        create: () =>
          new Promise<void>((resolve) => {
            release = resolve;
          }),
        destroy: settle,
      },
    });
    await until(() => provider.existing === 1);
    const closed = pool.close();
    await settle();
    release();
    await closed;
    expect(provider.existing).toBe(0);
  });

  it("comes about by the signal", async () => {
    const controller = new AbortController();
    const { pool, provider } = openPool({ size: 2, signal: controller.signal });
    await until(() => pool.stats.idle === 2);
    controller.abort();
    await until(() => provider.existing === 0);
    await expect(pool.take()).rejects.toMatchObject({ code: "pool_closed" });
    const never = openPool({ signal: AbortSignal.abort() });
    await settle();
    expect(never.provider.created).toBe(0);
  });

  it("tries again where a sandbox could not be removed", async () => {
    let failures = 2;
    const { pool, provider, events } = openPool({
      size: 1,
      faults: {
        destroy: () => (failures-- > 0 ? Promise.reject(new Error("The engine is busy.")) : undefined),
      },
    });
    await until(() => pool.stats.idle === 1);
    await pool.close();
    expect(provider.left).toBe(0);
    expect(events.map(({ type }) => type).filter((type) => type.startsWith("sandbox.destroy"))).toEqual([
      "sandbox.destroy_failed",
      "sandbox.destroy_failed",
      "sandbox.destroyed",
    ]);
  });

  it("says so when a sandbox cannot be removed", async () => {
    const error = new Error("The engine is gone.");
    const { pool } = openPool({ size: 1, faults: { destroy: () => Promise.reject(error) } });
    await until(() => pool.stats.idle === 1);
    await expect(pool.close()).rejects.toBe(error);
  });

  it("hands a failure to remove to whoever disposes, and counts the sandbox until it is gone", async () => {
    let isBroken = true;
    const error = new Error("The engine is busy.");
    const { pool, provider } = openPool({
      size: 0,
      maxSize: 1,
      faults: { destroy: () => (isBroken ? Promise.reject(error) : undefined) },
    });
    const taken = await pool.take();
    await expect(taken[Symbol.asyncDispose]()).rejects.toBe(error);
    expect(pool.stats).toMatchObject({ taken: 0, ending: 1 });
    await expect(pool.take({ timeoutMs: 20 })).rejects.toMatchObject({ code: "pool_timeout" });
    isBroken = false;
    const next = await pool.take();
    expect(provider.existing).toBe(1);
    await next[Symbol.asyncDispose]();
  });

  it("gives the room to somebody else as soon as a sandbox that could not be removed was, by a second try", async () => {
    let isBroken = true;
    const error = new Error("The engine is busy.");
    const { pool, provider, events } = openPool({
      ...{ size: 0, maxSize: 1 },
      faults: { destroy: () => (isBroken ? Promise.reject(error) : undefined) },
    });
    const taken = await pool.take();
    await expect(taken[Symbol.asyncDispose]()).rejects.toBe(error);
    // Another try, and two that are one.
    await expect(taken[Symbol.asyncDispose]()).rejects.toBe(error);
    isBroken = false;
    await Promise.all([taken[Symbol.asyncDispose](), taken[Symbol.asyncDispose]()]);
    await settle();
    expect(pool.stats).toMatchObject({ taken: 0, ending: 0 });
    expect(provider.existing).toBe(0);
    expect(events.map(({ type }) => type).filter((type) => type.startsWith("sandbox.destroy"))).toEqual([
      "sandbox.destroy_failed",
      "sandbox.destroy_failed",
      "sandbox.destroyed",
    ]);
    await using next = await pool.take({ timeoutMs: 200 });
    expect(next.box.id).not.toBe(taken.box.id);
  });
});
