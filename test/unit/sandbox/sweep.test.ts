import { describe, expect, it } from "vitest";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";

const day = 24 * 3_600_000;

/** Makes a sandbox as a process that has died would have left it. */
async function left(
  provider: ReturnType<typeof memorySandbox>,
  owner: string | undefined,
  expiresAt: number | undefined,
  labels: { readonly [name: string]: string } = {},
): Promise<string> {
  const { id } = await provider.create({
    env: {},
    labels: {
      ...labels,
      ...(owner === undefined ? {} : { "playpen.owner": owner }),
      ...(expiresAt === undefined ? {} : { "playpen.expires-at": new Date(expiresAt).toISOString() }),
    },
  });
  return `memory/${id}`;
}

describe("SandboxAgent.sweep", () => {
  it("removes what this owner has left and whose time is over, and nothing else", async () => {
    const provider = memorySandbox({ programs: {} });
    const expired = await left(provider, "bot", Date.now() - 1);
    const alive = await left(provider, "bot", Date.now() + day);
    const nothingSaid = await left(provider, "bot", undefined);
    const others = await left(provider, "other", Date.now() - day);
    const nobodys = await left(provider, undefined, Date.now() - day);
    expect(await SandboxAgent.sweep({ sandbox: provider, owner: "bot" })).toEqual([expired]);
    expect(await SandboxAgent.sweep({ sandbox: provider })).toEqual([]);
    const ids = [];
    for await (const { id } of provider.list()) ids.push(`memory/${id}`);
    expect(ids.sort()).toEqual([alive, nothingSaid, others, nobodys].sort());
  });

  it("removes all that this owner has left when told so, but what this process uses", async () => {
    const provider = memorySandbox({ programs: {} });
    const used = await SandboxAgent.start({
      sandbox: provider,
      owner: "bot",
      ttlMs: 1,
      permissions: "allow-all",
    });
    const alive = await left(provider, "bot", Date.now() + day);
    const others = await left(provider, "other", Date.now() - day);
    expect(await SandboxAgent.sweep({ sandbox: provider, owner: "bot", all: true })).toEqual([alive]);
    expect(provider.liveSandboxes).toBe(2);
    expect(await SandboxAgent.sweep({ sandbox: provider, owner: "other" })).toEqual([others]);
    await used.destroy();
    expect(provider.liveSandboxes).toBe(0);
  });

  it("removes those only that have all labels given", async () => {
    const provider = memorySandbox({ programs: {} });
    const one = await left(provider, "bot", 0, { project: "one" });
    await left(provider, "bot", 0, { project: "two" });
    expect(await SandboxAgent.sweep({ sandbox: provider, owner: "bot", labels: { project: "one" } })).toEqual(
      [one],
    );
  });

  it("takes one that has gone meanwhile for done", async () => {
    const provider = memorySandbox({ programs: {} });
    await left(provider, "bot", 0);
    const second = await left(provider, "bot", 0);
    const connect = provider.connect.bind(provider);
    const racing = Object.assign(Object.create(provider) as typeof provider, {
      connect: async (id: string) => {
        if (`memory/${id}` !== second) provider.lose(id);
        return connect(id, { env: {} });
      },
    });
    expect(await SandboxAgent.sweep({ sandbox: racing, owner: "bot" })).toEqual([second]);
  });

  it("puts owner and expiry on every sandbox", async () => {
    const provider = memorySandbox({ programs: {} });
    const box = await SandboxAgent.start({ sandbox: provider, owner: "bot", ttlMs: 5000 });
    const { labels } = box.sandbox;
    expect(labels["playpen.owner"]).toBe("bot");
    const lifeMs =
      Date.parse(labels["playpen.expires-at"] ?? "") - Date.parse(labels["playpen.created-at"] ?? "");
    expect(lifeMs).toBe(5000);
    const usual = await SandboxAgent.start({ sandbox: provider });
    expect(usual.sandbox.labels["playpen.owner"]).toContain(String(process.pid));
    await box.destroy();
    await usual.destroy();
  });

  it.each([
    [{}, /"sandbox" is required/],
    [{ sandbox: memorySandbox({ programs: {} }), owner: "" }, /"owner"/],
    [{ sandbox: memorySandbox({ programs: {} }), al: true }, /Did you mean "all"/],
    [{ sandbox: {} }, /provider/],
  ])("refuses %j", async (options, message) => {
    await expect(SandboxAgent.sweep(options as never)).rejects.toThrow(message);
  });
});
