import { describe, expect, it } from "vitest";
import { runCommand } from "../../../../providers/vercel/run-command.ts";
import type { Service } from "../../../../providers/vercel/service.ts";

const place = { id: "playpen-x", sessionId: "sess_x" };
const started = { command: { id: "cmd_1", exitCode: null } };
const ended = { command: { id: "cmd_1", exitCode: 3 } };

/** A service whose answer to a command is what `lines` gives, however it is cut. */
function serviceOf(
  lines: AsyncIterable<string> | readonly string[],
  status: () => unknown = () => started,
): Pick<Service, "request" | "requestTimeoutMs"> & { readonly bodies: unknown[] } {
  const bodies: unknown[] = [];
  return {
    bodies,
    requestTimeoutMs: 50,
    request: (method, _path, { body, signal }) => {
      if (method === "GET") return Promise.resolve(Response.json(status()));
      bodies.push(body);
      const stream = new ReadableStream<Uint8Array>({
        async start(controller) {
          signal.addEventListener("abort", () => {
            controller.error(signal.reason);
          });
          for await (const line of lines) controller.enqueue(new TextEncoder().encode(line));
          controller.close();
        },
      });
      return Promise.resolve(new Response(stream));
    },
  };
}

const run = (service: ReturnType<typeof serviceOf>, sudo = false, env = {}) =>
  runCommand(service as unknown as Service, place, { argv: ["echo", "x"], sudo, env });

const text = (...values: readonly object[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join("");

describe("a command of the service", () => {
  it("has its output put together, wherever the answer is cut", async () => {
    const all = text(
      started,
      { stream: "stdout", data: "one ü" },
      { stream: "stderr", data: "bad" },
      { stream: "stdout", data: "two" },
      ended,
    );
    for (const size of [1, 7, 1000]) {
      const pieces = all.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
      expect(await run(serviceOf(pieces))).toEqual({ code: 3, stdout: "one ütwo", stderr: "bad" });
    }
  });

  it("is a failure when its end is not told, or what is told is no JSON, or the stream says so", async () => {
    await expect(run(serviceOf([text(started)]))).rejects.toThrow("The answer ended before the command.");
    await expect(run(serviceOf(["<html>\n"]))).rejects.toThrow("what is no JSON");
    const broken = { stream: "error", data: { code: "stopped", message: "The sandbox was stopped." } };
    await expect(run(serviceOf([text(started, broken)]))).rejects.toThrow("The sandbox was stopped.");
  });

  it("may be silent for as long as it runs", async () => {
    const slow = async function* (): AsyncGenerator<string> {
      yield text(started);
      await new Promise((resolve) => setTimeout(resolve, 300));
      yield text(ended);
    };
    expect(await run(serviceOf(slow()))).toMatchObject({ code: 3 });
  });

  it("is given up when it has ended and the stream stays silent", async () => {
    const silent = async function* (): AsyncGenerator<string> {
      yield text(started);
      await new Promise(() => undefined);
    };
    await expect(run(serviceOf(silent(), () => ended))).rejects.toMatchObject({ code: "provider_failed" });
  });

  it("keeps its HOME although root runs it", async () => {
    const service = serviceOf([text(started, ended)]);
    await run(service, true, { HOME: "/home/x", A: "1" });
    expect(service.bodies).toMatchObject([
      { command: "/usr/bin/env", args: ["HOME=/home/x", "echo", "x"], env: { A: "1" }, sudo: true },
    ]);
  });
});
