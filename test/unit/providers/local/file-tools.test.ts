import { describe, expect, it } from "vitest";
import { packFolder, runTool } from "../../../../providers/local/file-tools.ts";
import { deferred } from "../../../../src/kit/deferred.ts";
import type { ProcessExit, SandboxProcess } from "../../../../src/spec/sandbox.ts";
import { crashesDuring } from "../../crashes.ts";

interface FakeTool {
  readonly process: SandboxProcess;
  readonly end: (exit: ProcessExit) => void;
  readonly breakErrors: (error: Error) => void;
  readonly killed: Promise<undefined>;
}

/** A tool that can be neither read from nor killed. */
function brokenTool(): FakeTool {
  const exited = deferred<ProcessExit>();
  const killed = deferred<undefined>();
  let output: ReadableStreamDefaultController<Uint8Array> | undefined;
  let errors: ReadableStreamDefaultController<Uint8Array> | undefined;
  const process: SandboxProcess = {
    stdin: new WritableStream(),
    stdout: new ReadableStream({ start: (controller) => void (output = controller) }),
    stderr: new ReadableStream({ start: (controller) => void (errors = controller) }),
    exited: exited.promise,
    kill: () => {
      killed.resolve(undefined);
      return Promise.reject(new Error("There are too many open files."));
    },
  };
  return {
    process,
    end: (exit) => {
      output?.close();
      exited.resolve(exit);
    },
    breakErrors: (error) => errors?.error(error),
    killed: killed.promise,
  };
}

describe("the system's own programs in a local sandbox", () => {
  it("harm nobody when they cannot be killed at an abort", async () => {
    const crashes = await crashesDuring(async () => {
      const tool = brokenTool();
      const controller = new AbortController();
      const running = runTool(async () => tool.process, ["rm"], controller.signal);
      await new Promise(setImmediate);
      controller.abort(new Error("No longer wanted."));
      await tool.killed;
      tool.breakErrors(new Error("It broke."));
      await expect(running).rejects.toThrow();
    });
    expect(crashes).toEqual([]);
  });

  it("harm nobody when an archive cannot be stopped, and their complaint cannot be read", async () => {
    const crashes = await crashesDuring(async () => {
      const tool = brokenTool();
      const controller = new AbortController();
      const archive = await packFolder(async () => tool.process, "/work", controller.signal);
      tool.breakErrors(new Error("It broke."));
      controller.abort(new Error("No longer wanted."));
      await tool.killed;
      tool.end({ code: 2, signal: null });
      await expect(archive.getReader().read()).rejects.toThrow("No longer wanted.");
    });
    expect(crashes).toEqual([]);
  });
});
