import { readFile, rename, writeFile } from "node:fs/promises";
import {
  arrayField,
  booleanField,
  isJsonObject,
  numberField,
  objectField,
  parseJson,
  stringField,
  type Labels,
} from "../../src/kit.ts";
import type { Layout } from "./layout.ts";
import type { FolderMapping } from "./folders.ts";
import type { Anchor } from "./namespaces.ts";
import type { WatcherIdentity } from "./watcher.ts";

/** What another host process needs to find and use a sandbox. Nothing in it is secret. */
export interface SandboxState {
  readonly id: string;
  readonly labels: Labels;
  readonly createdAt: number;
  readonly cwd: string;
  readonly network: boolean;
  /** Whether the host process that made it has let go of it. */
  readonly detached: boolean;
  readonly folders: readonly FolderMapping[];
  readonly watcher: WatcherIdentity;
  /** Missing where the sandbox has no isolation. */
  readonly anchor: Anchor | undefined;
}

export async function writeState(layout: Layout, state: SandboxState): Promise<void> {
  // A reader never sees half of it.
  const draft = `${layout.stateFile}.new`;
  await writeFile(draft, JSON.stringify({ version: 1, ...state }), { mode: 0o600 });
  await rename(draft, layout.stateFile);
}

/** `undefined` when there is no such sandbox, or none that this version understands. */
export async function readState(layout: Layout): Promise<SandboxState | undefined> {
  const text = await readFile(layout.stateFile, "utf8").catch(() => undefined);
  const json = text === undefined ? undefined : parseJson(text);
  if (!isJsonObject(json) || json["version"] !== 1) return undefined;
  const watcher = objectField(json, "watcher");
  const cwd = stringField(json, "cwd");
  const network = booleanField(json, "network");
  const createdAt = numberField(json, "createdAt");
  const watcherPid = numberField(watcher, "pid");
  const startTime = stringField(watcher, "startTime");
  if (
    cwd === undefined ||
    network === undefined ||
    createdAt === undefined ||
    watcherPid === undefined ||
    startTime === undefined
  ) {
    return undefined;
  }
  return {
    id: layout.id,
    labels: readLabels(objectField(json, "labels")),
    createdAt,
    cwd,
    network,
    detached: booleanField(json, "detached") ?? false,
    folders: arrayField(json, "folders").flatMap(readFolder),
    watcher: { pid: watcherPid, startTime },
    anchor: readAnchor(objectField(json, "anchor")),
  };
}

function readLabels(json: { readonly [name: string]: unknown }): Labels {
  const labels: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(json)) if (typeof value === "string") labels[name] = value;
  return labels;
}

function readFolder(json: unknown): FolderMapping[] {
  const inside = stringField(json, "inside");
  const host = stringField(json, "host");
  const writable = booleanField(json, "writable");
  return inside === undefined || host === undefined || writable === undefined
    ? []
    : [{ inside, host, writable }];
}

function readAnchor(json: unknown): Anchor | undefined {
  const process = numberField(json, "process");
  const holder = numberField(json, "holder");
  const pid = numberField(json, "pid");
  const mount = numberField(json, "mount");
  return process === undefined || holder === undefined || pid === undefined || mount === undefined
    ? undefined
    : { process, holder, pid, mount };
}
