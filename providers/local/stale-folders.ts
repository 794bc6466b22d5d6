import { readdir, stat } from "node:fs/promises";
import { isSandboxId, layoutOf, removeFolders } from "./layout.ts";
import { readState } from "./state.ts";
import { isWatcherAlive } from "./watcher.ts";

/** A folder without a description may belong to a sandbox that another process is just creating. */
const graceMs = 600_000;

/** Removes the folders of sandboxes that ended together with their watcher: the machine went down, or was rebooted. */
export async function removeStaleFolders(root: string): Promise<void> {
  const names = await readdir(root).catch(() => []);
  for (const id of names.filter(isSandboxId)) {
    const layout = layoutOf(root, id);
    const state = await readState(layout);
    if (state !== undefined && isWatcherAlive(state.watcher)) continue;
    if (state === undefined) {
      const info = await stat(layout.folder).catch(() => undefined);
      if (info === undefined || Date.now() - info.mtimeMs < graceMs) continue;
    }
    // Another process may be at it too.
    await removeFolders(layout).catch(() => undefined);
  }
}
