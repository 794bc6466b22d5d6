import { describe, expect, it } from "vitest";
import type { E2bMachine } from "../../../../providers/e2b/e2b-machine.ts";
import { watchFiles } from "../../../../providers/e2b/watch-files.ts";

/** A machine that tells of one file, and has gone when nobody wants to know of more. */
function goneMachine(): E2bMachine {
  const handle = {
    files: {
      watchDir: async (_path: string, tell: (event: { name: string; type: string }) => void) => {
        tell({ name: "a.txt", type: "create" });
        return { stop: () => Promise.reject(new Error("There is no such sandbox.")) };
      },
    },
  };
  const call = (_context: object, work: () => Promise<unknown>): Promise<unknown> => work();
  return { cwd: "/home", id: "box-1", handle, service: { call } } as unknown as E2bMachine;
}

describe("a watch of a sandbox that has gone meanwhile", () => {
  it("can be left", async () => {
    for await (const change of watchFiles(goneMachine(), ".", {})) {
      expect(change).toEqual({ type: "created", path: "/home/a.txt" });
      break;
    }
  });

  it("ends with the reason of its abort", async () => {
    const controller = new AbortController();
    const changes = watchFiles(goneMachine(), ".", { signal: controller.signal });
    await changes.next();
    controller.abort(new Error("No longer wanted."));
    await expect(changes.next()).rejects.toThrow("No longer wanted.");
  });
});
