import { loadPeer, type PeerPackage } from "playpen/kit";
import { describe, expect, it } from "vitest";

const peer = (facts: Partial<PeerPackage>): PeerPackage => ({
  name: "dockerode",
  range: "^5.0.0",
  accepts: (version) => version.startsWith("5."),
  neededBy: "docker()",
  ...facts,
});

describe("loadPeer", () => {
  it("loads a package of the right version", async () => {
    expect(await loadPeer(peer({}), () => Promise.resolve("module"))).toBe("module");
  });

  it.each([
    ["is missing", peer({ name: "no-such-package-at-all" }), /it is not installed/],
    [
      "is of another version",
      peer({ range: "^4.0.0", accepts: (v) => v.startsWith("4.") }),
      /version 5\.\S+ of it is/,
    ],
  ])("names the package, the version and the command where it %s", async (_what, wanted, words) => {
    const loaded = loadPeer(wanted, () => Promise.reject(new Error("Cannot find package")));
    const install = `npm install ${wanted.name}@${wanted.range}`;
    await expect(loaded).rejects.toMatchObject({
      code: "dependency_missing",
      details: { package: wanted.name, version: wanted.range, install },
      remedy: `Run: ${install}`,
    });
    await expect(loaded).rejects.toThrow(words);
    await expect(loaded).rejects.toThrow(wanted.neededBy);
  });

  it("says so where the package is right and cannot be loaded", async () => {
    const cause = new Error("needs another Node");
    const loaded = loadPeer(peer({}), () => Promise.reject(cause));
    await expect(loaded).rejects.toMatchObject({ code: "dependency_missing", cause });
    await expect(loaded).rejects.toThrow(/it cannot be loaded/);
  });
});
