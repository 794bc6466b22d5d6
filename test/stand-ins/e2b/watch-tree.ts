import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export interface TreeEvent {
  /** Relative to the folder that is watched. */
  readonly name: string;
  readonly type: "EVENT_TYPE_CREATE" | "EVENT_TYPE_WRITE" | "EVENT_TYPE_REMOVE";
}

const everyMs = 40;

/** Looks again and again; returns a function that ends it. */
export async function watchTree(
  folder: string,
  isRecursive: boolean,
  onEvent: (event: TreeEvent) => void,
): Promise<() => void> {
  let before = await statesOf(folder, isRecursive);
  let isStopped = false;
  const look = async (): Promise<void> => {
    const now = await statesOf(folder, isRecursive);
    if (isStopped) return;
    for (const [name, state] of now) {
      const old = before.get(name);
      if (old === undefined) onEvent({ name, type: "EVENT_TYPE_CREATE" });
      if (old !== undefined && old !== state) onEvent({ name, type: "EVENT_TYPE_WRITE" });
    }
    for (const name of before.keys()) {
      if (!now.has(name)) onEvent({ name, type: "EVENT_TYPE_REMOVE" });
    }
    before = now;
    timer = setTimeout(() => void look(), everyMs);
  };
  let timer = setTimeout(() => void look(), everyMs);
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

async function statesOf(folder: string, isRecursive: boolean): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(folder, { recursive: isRecursive }).catch(() => []);
  const entries = await Promise.all(
    names.map(async (name) => {
      const found = await stat(join(folder, name)).catch(() => undefined);
      if (found === undefined) return [];
      const state = found.isDirectory() ? "directory" : `${found.mtimeMs} ${found.size}`;
      return [[name, state] as const];
    }),
  );
  return new Map(entries.flat());
}
