import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sandbox, SandboxProvider } from "playpen/kit";
import { local } from "playpen/local";
import { providerRequirements, runProviderRequirement } from "playpen/testing";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { ableProvider } from "./able-provider.ts";
import { brokenAbilities } from "./broken/broken-abilities.ts";
import { brokenCommands } from "./broken/broken-commands.ts";
import { brokenFiles } from "./broken/broken-files.ts";
import { brokenKills } from "./broken/broken-kills.ts";
import { brokenProcesses } from "./broken/broken-processes.ts";
import { brokenSandboxes } from "./broken/broken-sandboxes.ts";
import { breakProvider } from "./broken/change.ts";
import { folderSandbox } from "./folder-sandbox.ts";

const broken = [
  ...brokenSandboxes,
  ...brokenCommands,
  ...brokenProcesses,
  ...brokenKills,
  ...brokenFiles,
  ...brokenAbilities,
];
const root = mkdtempSync(join(tmpdir(), "conformance-local-"));
const bases = {
  folder: folderSandbox,
  able: ableProvider,
  local: () => local({ isolation: "none", root }),
};

/** Sandboxes as they are without the break, since a broken provider may not destroy them. */
const made = new Set<Sandbox>();
const providers = new Set<SandboxProvider>();
const remembering = breakProvider((provider) => {
  providers.add(provider);
  const remember = (sandbox: Sandbox): Sandbox => {
    made.add(sandbox);
    return sandbox;
  };
  return {
    create: async (spec, options) => remember(await provider.create(spec, options)),
    connect: async (id, spec, options) => remember(await provider.connect(id, spec, options)),
  };
});

afterEach(async () => {
  for (const sandbox of made) await sandbox.destroy();
  // What was detached is known to its provider only.
  for (const provider of providers) {
    for await (const { id } of provider.list()) await (await provider.connect(id, { env: {} })).destroy();
  }
  made.clear();
  providers.clear();
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("a provider that does one thing wrong", () => {
  for (const { id, how, make, seen, hangs, base = "folder" } of broken) {
    it(`fails ${id} when it ${how}`, async () => {
      const requirement = providerRequirements.find((each) => each.id === id);
      const create = (): SandboxProvider => make(remembering(bases[base]()));
      const run = runProviderRequirement(requirement!, {
        create,
        expose: { host: "127.0.0.1" },
        ...(hangs === true ? { patienceMs: 5000 } : {}),
      });
      await expect(run).rejects.toThrow(seen);
      await expect(run).rejects.toThrow(new RegExp(`^${id}: `));
    });
  }
});

describe("every requirement", () => {
  it("has an id of its own", () => {
    const ids = providerRequirements.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^(provider|sandbox|process|files|ability)\.[a-z]+(-[a-z]+)*$/);
  });

  it("can fail", () => {
    const proven = new Set(broken.map(({ id }) => id));
    expect(providerRequirements.map(({ id }) => id).filter((id) => !proven.has(id))).toEqual([]);
  });
});
