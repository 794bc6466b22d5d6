import { describe, expect, it } from "vitest";
import { SandboxAgentError } from "../../../src/errors/sandbox-agent-error.ts";
import { FailureDelay } from "../../../src/pool/failure-delay.ts";
import { openPool, settle, until } from "./support.ts";

function createFailed(): SandboxAgentError {
  return new SandboxAgentError("sandbox_create_failed", "The engine has no more room.", {
    details: { provider: "memory" },
  });
}

describe("a provider that fails", () => {
  it("is tried again, one sandbox at a time, until it works", async () => {
    let attempts = 0;
    const { pool, provider, events } = openPool({
      size: 3,
      concurrency: 3,
      faults: { create: () => (++attempts <= 6 ? Promise.reject(createFailed()) : undefined) },
    });
    await using taken = await pool.take();
    expect(taken.session.status).toBe("idle");
    await until(() => pool.stats.idle === 3);
    const failed = events.filter((event) => event.type === "sandbox.failed");
    expect(failed).toHaveLength(6);
    // The first three failed together, which is one failure; then there was one at a time.
    const delays = failed.slice(2).map(({ retryAfterMs }) => retryAfterMs);
    for (const [index, wholeMs] of [5, 10, 20, 20].entries()) {
      expect(delays[index]).toBeGreaterThan(0);
      expect(delays[index]).toBeLessThanOrEqual(wholeMs);
    }
    expect(pool.stats.failures).toBe(6);
    expect(provider.existing).toBe(4);
  });

  it("is told to those who wait for it in vain, by its own code", async () => {
    const error = createFailed();
    const { pool } = openPool({ faults: { create: () => Promise.reject(error) } });
    await expect(pool.take({ timeoutMs: 30 })).rejects.toMatchObject({
      code: "sandbox_create_failed",
      cause: error,
      message: expect.stringMatching(/within 30 ms.*no more room/) as string,
    });
    const { pool: other } = openPool({
      takeTimeoutMs: 30,
      faults: { create: () => Promise.reject(new Error("no code")) },
    });
    await expect(other.take()).rejects.toMatchObject({ code: "sandbox_create_failed" });
  });

  it("is not waited for when waiting would not help", async () => {
    const error = new SandboxAgentError("dependency_missing", "There is no SDK.", {
      details: { package: "sdk", version: "1", install: "npm install sdk" },
    });
    const { pool } = openPool({ size: 0, faults: { create: () => Promise.reject(error) } });
    await expect(pool.take()).rejects.toBe(error);
  });

  it("has its sandboxes destroyed where the agent does not start in them", async () => {
    let starts = 0;
    const { pool, provider } = openPool({ faults: { agent: () => (++starts <= 2 ? 1 : undefined) } });
    await using taken = await pool.take();
    expect((await taken.session.prompt("Hello.")).text).toBe("you said Hello.");
    await until(() => pool.stats.idle === 1);
    expect(pool.stats.failures).toBe(2);
    expect(provider.existing).toBe(2);
  });

  it("is given up where it takes longer than createTimeoutMs", async () => {
    let calls = 0;
    const { pool, events } = openPool({
      size: 0,
      createTimeoutMs: 20,
      faults: {
        create: (_spec, signal) =>
          ++calls > 1
            ? undefined
            : new Promise((_resolve, reject) => {
                signal?.addEventListener("abort", () => {
                  reject(signal.reason as Error);
                });
              }),
      },
    });
    await using taken = await pool.take();
    expect(taken.session.status).toBe("idle");
    expect(pool.stats.failures).toBe(1);
    expect(events.find((event) => event.type === "sandbox.failed")).toMatchObject({
      error: { code: "sandbox_create_failed", message: expect.stringContaining("within 20 ms") as string },
    });
  });

  it("is not disturbed by that time when the sandbox was ready in it", async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const { pool } = openPool({
      createTimeoutMs: 50,
      faults: {
        create: (_spec, signal) => {
          signals.push(signal);
          return undefined;
        },
      },
    });
    await until(() => pool.stats.idle === 1);
    const later = AbortSignal.timeout(100);
    await until(() => later.aborted);
    expect(signals.map((signal) => signal?.aborted)).toEqual([false]);
    expect(pool.stats).toMatchObject({ idle: 1, failures: 0 });
  });
});

describe("take()", () => {
  it("gives up in time when all are taken", async () => {
    const { pool } = openPool({ size: 1, maxSize: 1, takeTimeoutMs: 30 });
    await using _taken = await pool.take();
    await expect(pool.take()).rejects.toMatchObject({
      code: "pool_timeout",
      details: { timeoutMs: 30, taken: 1, maxSize: 1 },
    });
    expect(pool.stats.waiting).toBe(0);
  });

  it("gives up for a signal, also one that was aborted before", async () => {
    const { pool } = openPool({ size: 0, maxSize: 1 });
    const reason = new Error("The user has left.");
    await expect(pool.take({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await using _taken = await pool.take();
    const controller = new AbortController();
    const waiting = pool.take({ signal: controller.signal });
    const other = pool.take();
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(pool.stats.waiting).toBe(1);
    await pool.close();
    await expect(other).rejects.toMatchObject({ code: "pool_closed" });
  });

  it("refuses malformed options", async () => {
    const { pool } = openPool();
    await expect(pool.take({ timeoutMs: -1 })).rejects.toThrow(TypeError);
    await expect(pool.take({ signl: 1 } as object)).rejects.toThrow(/Did you mean "signal"/);
    await settle();
    expect(pool.stats.waiting).toBe(0);
  });
});

describe("FailureDelay", () => {
  it("doubles from one failure to the next up to its cap, and begins anew after a success", () => {
    const delay = new FailureDelay({ initialMs: 100, maxMs: 1_000 }, () => 1);
    const error = new Error("failed");
    let now = 0;
    const delays = [1, 2, 3, 4, 5, 6].map(() => {
      const delayMs = delay.failed(error, now, now);
      now = delay.until;
      return delayMs;
    });
    expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    delay.succeeded();
    expect(delay.isFailing).toBe(false);
    expect(delay.failed(error, now, now)).toBe(100);
  });

  it("takes what failed together for one failure", () => {
    const delay = new FailureDelay({ initialMs: 100, maxMs: 1_000 }, () => 0);
    expect(delay.failed(new Error("first"), 0, 10)).toBe(50);
    expect(delay.failed(new Error("second"), 0, 20)).toBe(40);
    expect(delay.failed(new Error("later"), 60, 70)).toBe(100);
  });

  it("waits for as long as the vendor asks", () => {
    const delay = new FailureDelay({ initialMs: 100, maxMs: 1_000 });
    const error = new SandboxAgentError("provider_rate_limited", "Too many.", {
      details: { provider: "memory", retryAfterMs: 7_000 },
    });
    expect(delay.failed(error, 0, 0)).toBe(7_000);
  });
});
