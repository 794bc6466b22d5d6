import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KeepAlive } from "../../../../src/kit/remote/keep-alive.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function renewed(fail = false): { readonly keepAlive: KeepAlive; readonly count: () => number } {
  let count = 0;
  const renew = (): Promise<void> => {
    count++;
    return fail ? Promise.reject(new Error("no")) : Promise.resolve();
  };
  return { keepAlive: new KeepAlive({ everyMs: 1000, renew }), count: () => count };
}

describe("KeepAlive", () => {
  it("renews at once and then again and again, as long as anybody holds it", async () => {
    const { keepAlive, count } = renewed();
    await vi.advanceTimersByTimeAsync(5000);
    expect(count()).toBe(0);
    const first = keepAlive.hold();
    const second = keepAlive.hold();
    expect(count()).toBe(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(count()).toBe(3);
    first();
    first();
    await vi.advanceTimersByTimeAsync(1000);
    expect(count()).toBe(4);
    second();
    await vi.advanceTimersByTimeAsync(5000);
    expect(count()).toBe(4);
    keepAlive.hold();
    expect(count()).toBe(5);
  });

  it("goes on after a renewal that failed, and stops for good when it ends", async () => {
    const { keepAlive, count } = renewed(true);
    keepAlive.hold();
    await vi.advanceTimersByTimeAsync(1000);
    expect(count()).toBe(2);
    keepAlive.end();
    keepAlive.hold();
    await vi.advanceTimersByTimeAsync(5000);
    expect(count()).toBe(2);
  });
});
