import { describe, expect, it } from "vitest";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import type { SandboxProvider } from "../../../src/spec/sandbox.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";

const hourMs = 3_600_000;

interface Scene {
  readonly provider: SandboxProvider;
  /** For how long sandboxes were detached. */
  readonly detached: readonly number[];
}

function letting(options: { readonly renewsExpiry?: boolean } = {}): Scene {
  const memory = memorySandbox({ programs: {} });
  const detached: number[] = [];
  const provider: SandboxProvider = {
    ...memory,
    capabilities: { ...memory.capabilities, detach: "native", ...options },
    create: async (spec, more) =>
      Object.assign(await memory.create(spec, more), {
        detach: async ({ ttlMs }: { readonly ttlMs: number }) => {
          detached.push(ttlMs);
        },
      }),
  };
  return { provider, detached };
}

const start = ({ provider }: Scene, ttlMs?: number): Promise<SandboxAgent> =>
  SandboxAgent.start({ sandbox: provider, owner: "bot", ...(ttlMs === undefined ? {} : { ttlMs }) });

describe("a box whose label cannot be changed", () => {
  it("is not detached for longer than its label says: its own owner could sweep it up before", async () => {
    const scene = letting();
    await using box = await start(scene, hourMs);
    await expect(box.detach({ ttlMs: 2 * hourMs })).rejects.toMatchObject({
      code: "unsupported",
      details: { subject: "memory" },
      message: expect.stringMatching(/start\(\{ ttlMs \}\)/) as string,
    });
    expect(scene.detached).toEqual([]);
    // It goes on as if nothing had been asked.
    await box.files.write("a.txt", "a");
    await box.detach({ ttlMs: hourMs / 2 });
    expect(scene.detached).toEqual([hourMs / 2]);
    expect(await SandboxAgent.sweep({ sandbox: scene.provider, owner: "bot" })).toEqual([]);
  });

  it("is detached for an hour, or for what its label leaves, where nobody says for how long", async () => {
    const scene = letting();
    await (await start(scene)).detach();
    await (await start(scene, hourMs / 2)).detach();
    const [first, second = 0] = scene.detached;
    expect(first).toBe(hourMs);
    expect(second).toBeLessThanOrEqual(hourMs / 2);
    expect(second).toBeGreaterThan(hourMs / 2 - 10_000);
  });

  it("is not detached at all when its time is over", async () => {
    const scene = letting();
    await using box = await start(scene, 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(box.detach()).rejects.toMatchObject({ code: "unsupported" });
    await expect(box.detach({ ttlMs: 1000 })).rejects.toMatchObject({ code: "unsupported" });
  });

  it("is detached for as long as anybody wants when it has none that says anything", async () => {
    const scene = letting();
    const { id } = await scene.provider.create({ env: {}, labels: {} });
    const box = await SandboxAgent.connect({ sandbox: scene.provider, id });
    await box.detach({ ttlMs: 1000 * hourMs });
    expect(scene.detached).toEqual([1000 * hourMs]);
  });
});

describe("a box whose label is renewed", () => {
  it("is detached for as long as anybody wants", async () => {
    const scene = letting({ renewsExpiry: true });
    await (await start(scene, 1000)).detach({ ttlMs: 48 * hourMs });
    await (await start(scene, 1000)).detach();
    expect(scene.detached).toEqual([48 * hourMs, hourMs]);
  });

  it("goes on as it was when the time asked for ends at no date", async () => {
    const scene = letting({ renewsExpiry: true });
    await using box = await start(scene);
    await expect(box.detach({ ttlMs: 1e300 })).rejects.toThrow(
      'box.detach(): option "ttlMs" must be a number of milliseconds above 0, at most a hundred years',
    );
    expect(scene.detached).toEqual([]);
    await box.files.write("a.txt", "a");
  });
});
