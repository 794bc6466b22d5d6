import { describe, expect, it } from "vitest";
import { deferred } from "../../../src/kit/deferred.ts";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import type { Sandbox, SandboxProvider } from "../../../src/spec/sandbox.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import { crashesDuring } from "../crashes.ts";
import { echo } from "../session/support.ts";

/** Sandboxes that cannot be removed, with an agent that ends when it is let. */
function unremovable(): { readonly provider: SandboxProvider; readonly letEnd: () => void } {
  const mayEnd = deferred<undefined>();
  const agent = scriptedAgent(echo);
  const memory = memorySandbox({
    programs: {
      "scripted-agent": async (process) => {
        const code = await agent(process);
        await mayEnd.promise;
        return code;
      },
    },
  });
  const provider: SandboxProvider = {
    ...memory,
    create: async (spec, options) => {
      const sandbox = await memory.create(spec, options);
      return Object.assign(Object.create(sandbox) as Sandbox, {
        id: sandbox.id,
        files: sandbox.files,
        spawn: (...given: Parameters<Sandbox["spawn"]>) => sandbox.spawn(...given),
        destroy: () => Promise.reject(new Error("The vendor is out of reach.")),
      });
    },
  };
  return {
    provider,
    letEnd: () => {
      mayEnd.resolve(undefined);
    },
  };
}

describe("a box that cannot be removed", () => {
  it("tells whoever destroys it, and nobody else, while a session of it is still being closed", async () => {
    const { provider, letEnd } = unremovable();
    const crashes = await crashesDuring(async () => {
      const box = await SandboxAgent.start({ sandbox: provider, agent: scriptedBackend() });
      const session = await box.createSession();
      const closed = session.close();
      const told = expect(box.destroy()).rejects.toThrow("The vendor is out of reach.");
      // The vendor has refused by now.
      await new Promise(setImmediate);
      letEnd();
      await Promise.all([told, closed]);
    });
    expect(crashes).toEqual([]);
  });
});

describe("a session that cannot be made", () => {
  it("does not keep the sandbox alive", async () => {
    const memory = memorySandbox({ programs: { "scripted-agent": scriptedAgent(echo) } });
    let holders = 0;
    const provider: SandboxProvider = {
      ...memory,
      create: async (spec, options) =>
        Object.assign(await memory.create(spec, options), {
          hold: () => {
            holders++;
            return () => {
              holders--;
            };
          },
        }),
    };
    await using box = await SandboxAgent.start({ sandbox: provider });
    const broken = Object.assign(scriptedBackend(), {
      protocol: () => {
        throw new Error("No protocol.");
      },
    });
    await expect(box.createSession({ agent: broken })).rejects.toThrow("No protocol.");
    expect(holders).toBe(0);
    const session = await box.createSession({ agent: scriptedBackend() });
    expect(holders).toBe(1);
    await session.close();
    expect(holders).toBe(0);
  });
});
