import { expect, it } from "vitest";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";

it("takes what was set up with another environment for another set-up", async () => {
  const names: string[] = [];
  const provider = {
    ...memorySandbox({ programs: {} }),
    snapshots: {
      find: (name: string) => {
        names.push(name);
        return Promise.resolve(undefined);
      },
      remove: () => Promise.resolve(),
    },
  };
  const environments = [
    { A: "1", B: "2" },
    { B: "2", A: "1" },
    { A: "1", B: "3" },
  ];
  for (const env of environments) {
    const box = await SandboxAgent.start({ sandbox: provider, env, setup: { files: { "a.txt": "a" } } });
    await box.destroy();
  }
  expect(names[0]).toBe(names[1]);
  expect(names[2]).not.toBe(names[0]);
});
