import { describe, expect, it } from "vitest";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import type { Sandbox, SandboxProvider } from "../../../src/spec/sandbox.ts";
import type { CanExtend, CanFork, CanPause } from "../../../src/spec/sandbox-abilities.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";

type Able = Sandbox & CanPause & CanExtend & CanFork;

/** An in-memory provider that notes what is asked of its sandboxes. */
function ableProvider(calls: unknown[]): SandboxProvider<Able> {
  const base = memorySandbox({ programs: {} });
  const able = (sandbox: Sandbox): Able =>
    Object.assign(sandbox, {
      pause: async () => void calls.push("pause"),
      resume: async () => void calls.push("resume"),
      extend: async (durationMs: number) => void calls.push(["extend", durationMs]),
      fork: async (options: Parameters<CanFork["fork"]>[0] = {}) =>
        base.create({ env: {}, labels: options.labels ?? {} }),
    });
  return {
    ...base,
    name: "memory",
    capabilities: { ...base.capabilities, abilities: ["pause", "extend", "fork"] },
    create: async (spec, options) => able(await base.create(spec, options)),
    connect: async (id, spec, options) => able(await base.connect(id, spec, options)),
  };
}

describe("the abilities of a box", () => {
  it("are those of its sandbox, by type too", async () => {
    const calls: unknown[] = [];
    await using box = await SandboxAgent.start({ sandbox: ableProvider(calls) });
    await box.sandbox.pause();
    await box.resume();
    await box.extend(5000);
    expect(calls).toEqual(["pause", "resume", ["extend", 5000]]);
    // @ts-expect-error: its type has no such method.
    expect(box.sandbox.snapshot).toBeUndefined();
  });

  it("are refused where the provider has none, with what it has", async () => {
    await using plain = await SandboxAgent.start({ sandbox: memorySandbox({ programs: {} }) });
    const asked = [
      plain.snapshot(),
      plain.pause(),
      plain.resume(),
      plain.fork(),
      plain.expose(3000),
      plain.terminal(),
      plain.extend(1),
      plain.setNetworkPolicy("deny-all"),
      plain.metrics(),
    ];
    for (const refused of asked) await expect(refused).rejects.toMatchObject({ code: "unsupported" });
    expect(() => plain.watch("/")).toThrow(/no ability "watch"/);
    await using able = await SandboxAgent.start({ sandbox: ableProvider([]) });
    await expect(able.snapshot()).rejects.toThrow(/It has pause, extend, fork/);
  });

  it("make a fork a box of its own, with labels of its own", async () => {
    const provider = ableProvider([]);
    const box = await SandboxAgent.start({ sandbox: provider, owner: "bot" });
    const fork = await box.fork({ labels: { branch: "two" } });
    expect(fork.sandbox.labels).toMatchObject({ branch: "two", "playpen.owner": "bot" });
    expect(await SandboxAgent.sweep({ sandbox: provider, owner: "bot", all: true })).toEqual([]);
    await box.destroy();
    await fork.exec(["true"]).catch(() => undefined);
    await fork.destroy();
    const ids = [];
    for await (const { id } of provider.list()) ids.push(id);
    expect(ids).toEqual([]);
  });

  it("are refused with wrong values, and by a box that has ended", async () => {
    const box = await SandboxAgent.start({ sandbox: ableProvider([]) });
    await expect(box.expose(0)).rejects.toThrow(/1 to 65535/);
    await expect(box.expose("80" as never)).rejects.toThrow('received "80"');
    await expect(box.extend(-1)).rejects.toThrow(/above 0/);
    await box.destroy();
    await expect(box.pause()).rejects.toMatchObject({ code: "sandbox_closed" });
  });

  it.each([
    [
      "setNetworkPolicy",
      "deny_all",
      '"allow-all", "deny-all" or { allow } with names of hosts, received "deny_all"',
    ],
    ["setNetworkPolicy", { allow: "example.com" }, "{ allow } with names of hosts"],
    ["setNetworkPolicy", { allow: [""] }, "{ allow } with names of hosts"],
    ["setNetworkPolicy", { allow: [], deny: [] }, "{ allow } with names of hosts"],
    ["snapshot", { name: "a b" }, 'option "name" must be of letters, digits, ., _ and -, received "a b"'],
    ["snapshot", { nmae: "a" }, 'Did you mean "name"?'],
    ["terminal", { columns: 0 }, 'option "columns" must be a whole number above 0, received 0'],
    ["terminal", { rows: 1.5 }, 'option "rows" must be a whole number above 0, received 1.5'],
    ["terminal", { argv: "bash" }, 'option "argv" must be a non-empty array of strings'],
    ["terminal", { cwd: "here" }, 'option "cwd" must be an absolute path'],
    ["watch", "", 'the path must be a non-empty string, received ""'],
    ["watch", 5, "the path must be a non-empty string, received 5"],
  ] as const)("%s refuses %j, whether the provider has it or not", async (method, value, message) => {
    await using box = await SandboxAgent.start({ sandbox: memorySandbox({ programs: {} }) });
    const asked = async (): Promise<unknown> => box[method](value as never);
    await expect(asked()).rejects.toThrow(TypeError);
    await expect(asked()).rejects.toThrow(`box.${method}(): `);
    await expect(asked()).rejects.toThrow(message);
  });
});
