import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { abortable, deferred, settlesWithin } from "../../../src/kit/deferred.ts";
import { onAbort } from "../../../src/kit/on-abort.ts";

describe("onAbort", () => {
  it("has one listener on a signal for all, and none when all have left", () => {
    const controller = new AbortController();
    const { signal } = controller;
    const stops = Array.from({ length: 20 }, () => onAbort(signal, () => undefined));
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    for (const stop of [...stops, ...stops]) stop();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("calls everyone who has not left, once", () => {
    const controller = new AbortController();
    const calls: string[] = [];
    const twice = (): number => calls.push("twice");
    onAbort(controller.signal, twice);
    onAbort(controller.signal, twice);
    onAbort(controller.signal, () => calls.push("left"))();
    controller.abort();
    controller.abort();
    expect(calls).toEqual(["twice", "twice"]);
  });
});

describe("abortable", () => {
  it("gives the promise's outcome, or rejects with the reason, and lets go of the signal", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    expect(await abortable(Promise.resolve(1), controller.signal)).toBe(1);
    await expect(abortable(Promise.reject(reason), controller.signal)).rejects.toBe(reason);
    expect(await abortable(Promise.resolve(2), undefined)).toBe(2);
    const waiting = abortable(deferred<never>().promise, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(abortable(Promise.reject(new Error("late")), controller.signal)).rejects.toBe(reason);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });
});

describe("settlesWithin", () => {
  it("tells whether a promise settles in time, either way, and leaves no timer", async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    expect(await settlesWithin(Promise.resolve(), 60_000)).toBe(true);
    expect(await settlesWithin(Promise.reject(new Error("no")), 60_000)).toBe(true);
    expect(await settlesWithin(deferred<never>().promise, 5)).toBe(false);
    expect(timers()).toBe(before);
  });
});
