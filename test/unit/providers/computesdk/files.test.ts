import { describe, expect, it } from "vitest";
import type { ComputeSandbox } from "../../../../providers/computesdk/compute.ts";
import { ComputesdkSandbox } from "../../../../providers/computesdk/sandbox.ts";
import { deferred } from "../../../../src/kit/deferred.ts";
import { crashesDuring } from "../../crashes.ts";

/** A vendor that takes a file when it is let, and knows no other call. */
function slowVendor() {
  const taken = deferred<undefined>();
  const arrived = deferred<undefined>();
  const refuse = async (): Promise<never> => {
    throw new Error("It is not asked for that here.");
  };
  const vendor: ComputeSandbox = {
    sandboxId: "box-1",
    runCommand: refuse,
    getInfo: refuse,
    getUrl: refuse,
    destroy: async () => undefined,
    filesystem: {
      readFile: refuse,
      writeFile: async () => {
        arrived.resolve(undefined);
        await taken.promise;
      },
      remove: refuse,
    },
  };
  const sandbox = new ComputesdkSandbox({
    compute: { sandbox: { create: refuse, getById: refuse, list: refuse, destroy: refuse } },
    ...{ sandbox: vendor, privateFolder: "/private", cwd: "/", labels: {}, env: {}, user: undefined },
    timeoutMs: 60_000,
  });
  return { sandbox, taken, arrived };
}

describe("a file that is on its way to a vendor", () => {
  it.each(["resolve", "reject"] as const)(
    "harms nobody when the sandbox has gone before it arrives (%s)",
    async (outcome) => {
      const crashes = await crashesDuring(async () => {
        const { sandbox, taken, arrived } = slowVendor();
        const controller = new AbortController();
        const written = sandbox.files.write("a.txt", "a", { signal: controller.signal });
        await arrived.promise;
        controller.abort(new Error("No longer wanted."));
        await expect(written).rejects.toThrow("No longer wanted.");
        await sandbox.destroy();
        taken[outcome](undefined);
      });
      expect(crashes).toEqual([]);
    },
  );
});
