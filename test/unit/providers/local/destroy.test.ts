import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createFolders, layoutOf, newSandboxId } from "../../../../providers/local/layout.ts";
import { LocalSandbox } from "../../../../providers/local/sandbox.ts";

it("a local sandbox that could not be removed can be destroyed again", async () => {
  const root = await mkdtemp(join(tmpdir(), "playpen-destroy-"));
  try {
    const layout = layoutOf(root, newSandboxId());
    await createFolders(layout);
    let isBroken = true;
    const sandbox = new LocalSandbox({
      layout: {
        ...layout,
        get folder() {
          return isBroken ? "no\0path" : layout.folder;
        },
      },
      state: {
        ...{ id: layout.id, labels: {}, createdAt: 0, cwd: "/", network: true, detached: false, folders: [] },
        // No process has such a number.
        watcher: { pid: 2 ** 30, startTime: "0" },
        anchor: undefined,
      },
      env: {},
      isolation: undefined,
      watcher: undefined,
    });
    await expect(sandbox.destroy()).rejects.toThrow();
    isBroken = false;
    await sandbox.destroy();
    await expect(stat(layout.folder)).rejects.toThrow("ENOENT");
    await sandbox.destroy();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
