import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** The folders of one sandbox. All of them are private to the user, and end with the sandbox. */
export interface Layout {
  readonly id: string;
  readonly folder: string;
  readonly home: string;
  readonly temporary: string;
  readonly workspace: string;
  readonly stateFile: string;
  readonly deadlineFile: string;
}

/** The folder that holds all sandboxes of the user. It is not in the folder of temporary files, where others may write. */
export function defaultRoot(env: NodeJS.ProcessEnv): string {
  const cache = env["XDG_CACHE_HOME"];
  return join(cache?.startsWith("/") === true ? cache : join(homedir(), ".cache"), "playpen", "local");
}

export function newSandboxId(): string {
  return randomBytes(8).toString("hex");
}

/** An id becomes part of a path, so that nothing else may pass. */
export function isSandboxId(id: string): boolean {
  return /^[0-9a-f]{16}$/.test(id);
}

export function layoutOf(root: string, id: string): Layout {
  const folder = join(root, id);
  return {
    id,
    folder,
    home: join(folder, "home"),
    temporary: join(folder, "tmp"),
    workspace: join(folder, "workspace"),
    stateFile: join(folder, "state.json"),
    deadlineFile: join(folder, "deadline"),
  };
}

export async function createFolders(layout: Layout): Promise<void> {
  const mode = 0o700;
  await mkdir(join(layout.folder, ".."), { recursive: true, mode });
  await mkdir(layout.folder, { mode });
  await Promise.all([layout.home, layout.temporary, layout.workspace].map((path) => mkdir(path, { mode })));
}

/** Removes the sandbox's own folder, also where a process inside has taken away the right to do so. */
export async function removeFolders(layout: Layout): Promise<void> {
  try {
    await rm(layout.folder, { recursive: true, force: true });
  } catch {
    await chmod(layout.folder, 0o700);
    const { execa } = await import("execa");
    await execa("/bin/chmod", ["-R", "u+rwX", "--", layout.folder], { reject: false });
    await rm(layout.folder, { recursive: true, force: true });
  }
}
