import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { FileChange } from "playpen/kit";

type Versions = ReadonlyMap<string, string>;

/** Compares what is below a folder with what was there before, again and again. */
export async function* watchFolder(root: string, signal?: AbortSignal): AsyncGenerator<FileChange> {
  let before = await versionsBelow(root);
  while (signal?.aborted !== true) {
    const now = await versionsBelow(root);
    for (const [path, version] of now) {
      const known = before.get(path);
      if (known === undefined) yield { type: "created", path };
      else if (known !== version) yield { type: "changed", path };
    }
    for (const path of before.keys()) if (!now.has(path)) yield { type: "removed", path };
    before = now;
    await delay(10);
  }
}

async function versionsBelow(root: string): Promise<Versions> {
  const versions = new Map<string, string>();
  for (const name of await readdir(root, { recursive: true })) {
    const facts = await stat(join(root, name), { bigint: true }).catch(() => undefined);
    if (facts === undefined) continue;
    const version = facts.isDirectory() ? "folder" : `${String(facts.mtimeNs)} ${String(facts.size)}`;
    versions.set(join(root, name), version);
  }
  return versions;
}
