import { setTimeout as delay } from "node:timers/promises";
import { type RemoteConnection, type RemoteMachine, RemoteSandbox, filesFromSpawn } from "playpen/kit";
import { describe, expect, it } from "vitest";
import { deferred } from "../../../../src/kit/deferred.ts";
import { KeepAlive } from "../../../../src/kit/remote/keep-alive.ts";
import { startPolledProcess } from "../../../../src/kit/remote/polled-process.ts";
import type { ProcessExit } from "../../../../src/spec/sandbox.ts";
import { crashesDuring } from "../../crashes.ts";

const closed = (): never => {
  throw new Error("The handle was closed.");
};

function machine(change: Partial<RemoteMachine>): RemoteMachine {
  return {
    provider: "cloud",
    id: "box-1",
    cwd: "/work",
    labels: {},
    env: {},
    traits: { environment: "native", stdin: "native", users: "none" },
    start: () => Promise.reject(new Error("not used")),
    destroy: () => Promise.resolve(),
    ...change,
  };
}

function running(exited: Promise<ProcessExit>): RemoteConnection {
  const stdout = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode("playpen 12\n"));
    },
  });
  return {
    stdin: new WritableStream(),
    stdout,
    stderr: new ReadableStream(),
    exited,
    disconnect: closed,
  };
}

/** Adapters' functions that throw, where they should have returned a promise, or nothing. */
describe("an adapter that throws where it should not", () => {
  it("when it renews a sandbox's time, harms nobody", async () => {
    const crashes = await crashesDuring(async () => {
      const keepAlive = new KeepAlive({ everyMs: 5, renew: closed });
      const release = keepAlive.hold();
      await delay(20);
      release();
    });
    expect(crashes).toEqual([]);
  });

  it("when a connection is let go of, leaves the process's end to be told", async () => {
    const exited = deferred<ProcessExit>();
    const crashes = await crashesDuring(async () => {
      const sandbox = new RemoteSandbox(machine({ start: async () => running(exited.promise) }));
      const process = await sandbox.spawn({ argv: ["tool"] });
      exited.reject(new Error("The connection broke."));
      await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
      await sandbox.destroy();
    });
    expect(crashes).toEqual([]);
  });

  it("when a sandbox is removed, lets the end of all of its processes be told", async () => {
    const sandbox = new RemoteSandbox(
      machine({ start: async () => running(deferred<ProcessExit>().promise) }),
    );
    const processes = [await sandbox.spawn({ argv: ["one"] }), await sandbox.spawn({ argv: ["two"] })];
    await sandbox.destroy();
    for (const process of processes) {
      await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    }
  });

  it("when it is asked whether a sandbox lives, is taken for one that does not", async () => {
    const sandbox = new RemoteSandbox(
      machine({ start: () => Promise.reject(new Error("no")), isAlive: closed }),
    );
    await expect(sandbox.spawn({ argv: ["tool"] })).rejects.toMatchObject({ code: "sandbox_lost" });
  });

  it("when a process is asked about, ends it for its reader", async () => {
    const crashes = await crashesDuring(async () => {
      let calls = 0;
      const begun = { code: 0, stdout: "running 0\n\n\n", stderr: "" };
      const connection = await startPolledProcess(
        { argv: ["tool"], env: {}, stdin: false },
        {
          processId: "p",
          run: () => (calls++ === 0 ? Promise.resolve(begun) : closed()),
        },
      );
      await expect(connection.exited).rejects.toThrow("The handle was closed.");
    });
    expect(crashes).toEqual([]);
  });

  it("when a process of its files is killed, harms nobody", async () => {
    const crashes = await crashesDuring(async () => {
      const exited = deferred<ProcessExit>();
      const files = filesFromSpawn(
        async () => ({
          stdin: new WritableStream(),
          stdout: new ReadableStream(),
          stderr: new ReadableStream(),
          exited: exited.promise,
          kill: closed,
        }),
        { cwd: "/" },
      );
      const controller = new AbortController();
      const archive = files.download("a", { signal: controller.signal });
      controller.abort(new Error("No longer wanted."));
      await delay(10);
      exited.reject(new Error("It is gone."));
      void archive.catch(() => undefined);
    });
    expect(crashes).toEqual([]);
  });
});
