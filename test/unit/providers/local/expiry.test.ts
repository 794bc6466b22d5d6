import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SandboxAgent } from "playpen";
import { local } from "playpen/local";
import { expect, it } from "vitest";

const hourMs = 3_600_000;

it("a local sandbox that is detached tells of its new end, and is swept up after that only", async () => {
  const root = await mkdtemp(join(tmpdir(), "playpen-expiry-"));
  const sandbox = local({ isolation: "none", root });
  try {
    const box = await SandboxAgent.start({ sandbox, owner: "bot", ttlMs: 1 });
    const before = Date.now();
    await box.detach({ ttlMs: hourMs });
    const expiries: number[] = [];
    for await (const { labels } of sandbox.list()) {
      expect(labels["playpen.owner"]).toBe("bot");
      expiries.push(Date.parse(labels["playpen.expires-at"] ?? ""));
    }
    expect(expiries).toHaveLength(1);
    expect(expiries[0]).toBeGreaterThanOrEqual(before + hourMs);
    expect(await SandboxAgent.sweep({ sandbox, owner: "bot" })).toEqual([]);
    // Another time, by whoever has taken it up.
    const again = await SandboxAgent.connect({ sandbox, id: box.id });
    await again.detach({ ttlMs: 2 * hourMs });
    for await (const { labels } of sandbox.list()) {
      expect(Date.parse(labels["playpen.expires-at"] ?? "")).toBeGreaterThanOrEqual(before + 2 * hourMs);
    }
    expect(await SandboxAgent.sweep({ sandbox, owner: "bot", all: true })).toEqual([box.id]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
