import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { lstat, mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { posix } from "node:path";
import {
  SandboxAgentError,
  type FileInfo,
  type FileOptions,
  type FileWriteOptions,
  type SandboxFiles,
} from "../../src/kit.ts";
import { ConfinedFolders, type LocateOptions, type Location } from "./confined-path.ts";
import { packFolder, runTool, unpackFolder, type StartTool } from "./file-tools.ts";
import type { FolderMapping } from "./folders.ts";

const reading: LocateOptions = { follow: true, forWriting: false };
const readingItself: LocateOptions = { follow: false, forWriting: false };
const writing: LocateOptions = { follow: true, forWriting: true, createParents: true };
const writingItself: LocateOptions = { follow: false, forWriting: true };
const movingTo: LocateOptions = { follow: false, forWriting: true, createParents: true };

/**
 * Files of a sandbox, read and written by the host itself. What works on whole trees (remove, upload, download) runs
 * inside the sandbox instead, where a link that an agent plants meanwhile leads nowhere new.
 */
export class LocalFiles implements SandboxFiles {
  readonly #confined: ConfinedFolders;
  readonly #start: StartTool;

  constructor(folders: readonly FolderMapping[], cwd: string, start: StartTool) {
    this.#confined = new ConfinedFolders(folders, cwd);
    this.#start = start;
  }

  read(path: string, options?: FileOptions): Promise<Uint8Array> {
    return this.#at("read", path, reading, options, async (location) => {
      // Without O_NONBLOCK a FIFO that an agent has put there would hold a thread of the host for ever.
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const file = await open(location.path, location.isRoot ? constants.O_RDONLY : flags);
      try {
        const info = await file.stat();
        if (!info.isFile()) throw new Error(info.isDirectory() ? "It is a folder." : "It is not a file.");
        const { signal } = options ?? {};
        return new Uint8Array(await file.readFile(signal === undefined ? {} : { signal }));
      } finally {
        await file.close();
      }
    });
  }

  async readText(path: string, options?: FileOptions): Promise<string> {
    return new TextDecoder().decode(await this.read(path, options));
  }

  write(path: string, data: Uint8Array | string, options?: FileWriteOptions): Promise<void> {
    return this.#at("write", path, writing, options, async (location) => {
      if (location.isRoot) throw new Error("It is a folder of the sandbox itself.");
      const draft = posix.join(posix.dirname(location.path), `.playpen-${randomBytes(6).toString("hex")}`);
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const file = await open(draft, flags, 0o600);
      try {
        try {
          const { signal } = options ?? {};
          await file.writeFile(data, signal === undefined ? {} : { signal });
          await file.chmod(options?.mode ?? 0o644);
        } finally {
          await file.close();
        }
        await rename(draft, location.path);
      } catch (error) {
        await unlink(draft).catch(() => undefined);
        throw error;
      }
    });
  }

  list(path: string, options?: FileOptions): Promise<readonly FileInfo[]> {
    return this.#at("list", path, reading, options, async (location) => {
      const flags = constants.O_RDONLY | constants.O_DIRECTORY;
      const folder = await open(location.path, location.isRoot ? flags : flags | constants.O_NOFOLLOW);
      try {
        const held = `/proc/self/fd/${folder.fd}`;
        const names = (await readdir(held)).sort();
        const infos = await Promise.all(
          names.map(async (name) => {
            // An entry may be gone by now.
            const info = await lstat(`${held}/${name}`).catch(() => undefined);
            return info === undefined ? [] : [fileInfo(posix.join(location.inside, name), info)];
          }),
        );
        return infos.flat();
      } finally {
        await folder.close();
      }
    });
  }

  stat(path: string, options?: FileOptions): Promise<FileInfo | undefined> {
    return this.#at("stat", path, readingItself, options, async (location) =>
      location.exists ? fileInfo(location.inside, await lstat(location.path)) : undefined,
    ).catch((error: unknown) => {
      // Nothing is there either when a folder on the way is missing.
      if (isMissing(SandboxAgentError.is(error, "file_failed") ? error.cause : undefined)) return undefined;
      throw error;
    });
  }

  mkdir(path: string, options?: FileOptions): Promise<void> {
    return this.#at("mkdir", path, writing, options, async (location) => {
      await makeFolder(location);
    });
  }

  remove(path: string, options?: FileOptions): Promise<void> {
    return this.#at("remove", path, writingItself, options, async (location) => {
      if (location.isRoot) throw new Error("It is a folder of the sandbox itself.");
      if (location.exists) await runTool(this.#start, ["rm", "-rf", "--", location.inside], options?.signal);
    }).catch((error: unknown) => {
      if (isMissing(SandboxAgentError.is(error, "file_failed") ? error.cause : undefined)) return;
      throw error;
    });
  }

  move(from: string, to: string, options?: FileOptions): Promise<void> {
    return this.#at("move", from, writingItself, options, async (source) => {
      await using target = await this.#confined.locate(to, movingTo);
      if (source.isRoot || target.isRoot) throw new Error("It is a folder of the sandbox itself.");
      try {
        await rename(source.path, target.path);
      } catch (error) {
        // Folders of the sandbox may lie on different disks.
        if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
        await runTool(this.#start, ["mv", "-f", "--", source.inside, target.inside], options?.signal);
      }
    });
  }

  upload(path: string, tar: ReadableStream<Uint8Array>, options?: FileOptions): Promise<void> {
    return this.#at("upload", path, writing, options, async (location) => {
      await makeFolder(location);
      await unpackFolder(this.#start, location.inside, tar, options?.signal);
    });
  }

  download(path: string, options?: FileOptions): Promise<ReadableStream<Uint8Array>> {
    return this.#at("download", path, reading, options, async (location) => {
      const info = await lstat(location.path);
      if (!info.isDirectory()) throw new Error("It is not a folder.");
      return packFolder(this.#start, location.inside, options?.signal);
    });
  }

  async #at<Result>(
    operation: string,
    path: string,
    locate: LocateOptions,
    options: FileOptions | undefined,
    work: (location: Location) => Promise<Result>,
  ): Promise<Result> {
    options?.signal?.throwIfAborted();
    try {
      await using location = await this.#confined.locate(path, locate);
      options?.signal?.throwIfAborted();
      return await work(location);
    } catch (cause) {
      options?.signal?.throwIfAborted();
      if (SandboxAgentError.is(cause, "sandbox_lost") || SandboxAgentError.is(cause, "sandbox_closed"))
        throw cause;
      const why = cause instanceof Error ? withoutOwnPath(cause.message) : String(cause);
      throw new SandboxAgentError("file_failed", `Cannot ${operation} ${path}: ${why}`, {
        details: { operation, path },
        cause,
      });
    }
  }
}

async function makeFolder(location: Location): Promise<void> {
  if (location.isRoot) return;
  try {
    await mkdir(location.path);
  } catch (error) {
    if (!(await lstat(location.path)).isDirectory()) throw error;
  }
}

/** Files are reached by descriptors, of which the caller knows nothing. */
function withoutOwnPath(message: string): string {
  return message.replace(/, \w+ '\/proc\/self\/fd\/.*'$/s, "");
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function fileInfo(path: string, info: Stats): FileInfo {
  return {
    path,
    type: info.isFile()
      ? "file"
      : info.isDirectory()
        ? "directory"
        : info.isSymbolicLink()
          ? "symlink"
          : "other",
    size: info.size,
    modifiedAt: info.mtimeMs,
    mode: info.mode & 0o7777,
  };
}
