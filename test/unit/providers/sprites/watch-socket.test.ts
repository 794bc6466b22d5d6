import { EventEmitter } from "node:events";
import type { WebSocket } from "ws";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { watchSocket } from "../../../../providers/sprites/sockets.ts";

class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  isPaused = false;
  pings = 0;
  isTerminated = false;
  ping(): void {
    this.pings++;
  }
  terminate(): void {
    this.isTerminated = true;
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function watched(): FakeSocket {
  const socket = new FakeSocket();
  watchSocket(socket as unknown as WebSocket);
  return socket;
}

const minuteMs = 60_000;

describe("a connection on which nothing moves", () => {
  it("is kept by asking for a sign of life, however long its command is silent", () => {
    const socket = watched();
    for (let passed = 0; passed < 10 * minuteMs; passed += 15_000) {
      vi.advanceTimersByTime(15_000);
      socket.emit("pong");
    }
    expect(socket.pings).toBe(40);
    expect(socket.isTerminated).toBe(false);
  });

  it("is ended when there is no sign", () => {
    const socket = watched();
    vi.advanceTimersByTime(45_000);
    expect(socket.isTerminated).toBe(false);
    vi.advanceTimersByTime(15_000);
    expect(socket.isTerminated).toBe(true);
  });

  it("is not ended while it is paused, since nothing can be heard then", () => {
    const socket = watched();
    socket.isPaused = true;
    vi.advanceTimersByTime(10 * minuteMs);
    expect(socket.isTerminated).toBe(false);
    socket.isPaused = false;
    vi.advanceTimersByTime(minuteMs);
    expect(socket.isTerminated).toBe(true);
  });

  it("is not asked any more when it has ended", () => {
    const socket = watched();
    socket.emit("close");
    vi.advanceTimersByTime(minuteMs);
    expect(socket.pings).toBe(0);
  });
});
