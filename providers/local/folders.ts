import { stat } from "node:fs/promises";
import { SandboxAgentError } from "../../src/kit.ts";
import type { Layout } from "./layout.ts";
import { isWithin, writablePathProblem, type LocalSettings } from "./options.ts";

/** A folder of the sandbox: where it lies on the host, and where it appears inside. */
export interface FolderMapping {
  readonly inside: string;
  readonly host: string;
  readonly writable: boolean;
}

export interface FolderPlan {
  readonly folders: readonly FolderMapping[];
  readonly cwd: string;
}

/**
 * Decides which folders processes get, and where. With isolation the workspace can appear at any free place; without,
 * everything is where it is.
 */
export async function planFolders(
  settings: LocalSettings,
  layout: Layout,
  wantedCwd: string | undefined,
): Promise<FolderPlan> {
  const { workspace, readOnlyPaths, writablePaths } = settings;
  const isIsolated = settings.isolation !== "none";
  if (workspace !== undefined && !(await stat(workspace)).isDirectory()) {
    throw new Error(`${workspace} is not a folder.`);
  }
  for (const path of [...readOnlyPaths, ...writablePaths]) await stat(path);
  const host = workspace ?? layout.workspace;
  const same = (writable: boolean) => (path: string) => ({ inside: path, host: path, writable });
  const others: readonly FolderMapping[] = [
    same(true)(layout.home),
    same(true)(layout.temporary),
    ...(isIsolated ? [{ inside: "/tmp", host: layout.temporary, writable: true }] : []),
    ...writablePaths.map(same(true)),
    ...readOnlyPaths.map(same(false)),
  ];
  const isCovered =
    wantedCwd === undefined ||
    [same(true)(host), ...others].some((folder) => folder.writable && isWithin(wantedCwd, folder.inside));
  const inside = isCovered ? host : placeWorkspace(wantedCwd, isIsolated);
  return { folders: [{ inside, host, writable: true }, ...others], cwd: wantedCwd ?? inside };
}

/**
 * The value of TMPDIR. Some programs do not work when the home folder lies in it, as it would where all sandboxes are
 * kept below /tmp.
 */
export function temporaryFolder(layout: Layout, isIsolated: boolean): string {
  return isIsolated && !isWithin(layout.home, "/tmp") ? "/tmp" : layout.temporary;
}

/** Shows the workspace at another place inside than it has on the host. */
function placeWorkspace(cwd: string, isIsolated: boolean): string {
  if (!isIsolated) {
    throw new SandboxAgentError(
      "unsupported",
      `local() with isolation "none" cannot provide the working directory ${cwd}.`,
      {
        details: { subject: "local", feature: `cwd ${cwd}` },
        remedy: "Leave `cwd` out, or choose one in `workspace` or `writablePaths` of local().",
      },
    );
  }
  const problem = writablePathProblem(cwd);
  if (problem !== undefined) throw new TypeError(`local: cwd must be ${problem}, received "${cwd}".`);
  return cwd;
}
