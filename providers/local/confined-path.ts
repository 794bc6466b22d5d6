import { constants } from "node:fs";
import { lstat, mkdir, open, readlink, type FileHandle } from "node:fs/promises";
import { posix } from "node:path";
import type { FolderMapping } from "./folders.ts";
import { isWithin } from "./options.ts";

/** A place in a folder that is held open, so that nobody can exchange the folder meanwhile. */
export interface Location extends AsyncDisposable {
  /** The place as the host's file functions take it. */
  readonly path: string;
  /** The place as processes in the sandbox see it, links resolved. */
  readonly inside: string;
  readonly exists: boolean;
  /** Whether it is one of the sandbox's folders itself. */
  readonly isRoot: boolean;
}

export interface LocateOptions {
  /** Whether a link at the end of the path is followed. */
  readonly follow: boolean;
  readonly forWriting: boolean;
  readonly createParents?: boolean;
}

const maxLinks = 40;
const openFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Translates paths of the sandbox into places on the host, and refuses those outside the sandbox's folders.
 *
 * An agent may exchange a folder for a link between a check and its use. So each folder on the way is opened from the
 * one before, without following links, and stays open until the operation is done; links are resolved by hand, as
 * paths of the sandbox.
 */
export class ConfinedFolders {
  readonly #folders: readonly FolderMapping[];
  readonly #cwd: string;

  constructor(folders: readonly FolderMapping[], cwd: string) {
    this.#folders = [...folders].sort((left, right) => right.inside.length - left.inside.length);
    this.#cwd = cwd;
  }

  async locate(path: string, options: LocateOptions): Promise<Location> {
    if (path.includes("\0")) throw new Error("The path contains a NUL character.");
    let wanted = withoutTrailingSlash(posix.resolve(this.#cwd, path));
    for (let links = 0; links <= maxLinks; links++) {
      const found = await this.#walk(wanted, options);
      if (typeof found !== "string") return found;
      wanted = found;
    }
    throw new Error("There are too many links on the way.");
  }

  /** The place, or the path to go on with after a link. */
  async #walk(wanted: string, options: LocateOptions): Promise<Location | string> {
    const root = this.#folders.find((folder) => isWithin(wanted, folder.inside));
    if (root === undefined) {
      throw new Error(
        `The path leads to ${wanted}, outside the sandbox's folders (${this.#folders.map((folder) => folder.inside).join(", ")}).`,
      );
    }
    if (options.forWriting && !root.writable) throw new Error(`${root.inside} is read-only in the sandbox.`);
    const names = wanted.slice(root.inside.length).split("/").filter(Boolean);
    const last = names.pop();
    let inside = root.inside;
    // A root may be a single file of readOnlyPaths, or be reached by a link of the host itself, which is trusted.
    if (last === undefined) return new HeldLocation(undefined, root.host, inside, true, true);
    let folder = await open(root.host, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      for (const name of names) {
        const next = `/proc/self/fd/${folder.fd}/${name}`;
        const info = await lstat(next).catch(undefinedIfMissing);
        if (info?.isSymbolicLink() === true) {
          const rest = wanted.slice(inside.length + 1 + name.length);
          const target = posix.resolve(inside, await readlink(next));
          await folder.close();
          return withoutTrailingSlash(posix.normalize(`${target}${rest}`));
        }
        if (info === undefined && options.createParents === true) await mkdir(next).catch(nothingIfPresent);
        const opened = await open(next, openFolder);
        await folder.close();
        folder = opened;
        inside = posix.join(inside, name);
      }
      const path = `/proc/self/fd/${folder.fd}/${last}`;
      const info = await lstat(path).catch(undefinedIfMissing);
      if (info?.isSymbolicLink() === true && options.follow) {
        const target = posix.resolve(inside, await readlink(path));
        await folder.close();
        return withoutTrailingSlash(target);
      }
      return new HeldLocation(folder, path, posix.join(inside, last), info !== undefined, false);
    } catch (error) {
      await folder.close().catch(() => undefined);
      throw error;
    }
  }
}

class HeldLocation implements Location {
  readonly path: string;
  readonly inside: string;
  readonly exists: boolean;
  readonly isRoot: boolean;
  readonly #folder: FileHandle | undefined;

  constructor(
    folder: FileHandle | undefined,
    path: string,
    inside: string,
    exists: boolean,
    isRoot: boolean,
  ) {
    this.#folder = folder;
    this.path = path;
    this.inside = inside;
    this.exists = exists;
    this.isRoot = isRoot;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder?.close();
  }
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function undefinedIfMissing(error: unknown): undefined {
  if (!hasCode(error, "ENOENT")) throw error;
}

function nothingIfPresent(error: unknown): void {
  if (!hasCode(error, "EEXIST")) throw error;
}
