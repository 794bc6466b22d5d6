import { posix } from "node:path";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type { FileInfo, FileOptions, SandboxFiles } from "../spec/sandbox.ts";

interface MemoryFile {
  readonly data: Uint8Array;
  readonly mode: number;
  readonly modifiedAt: number;
}

/**
 * The files of an in-memory sandbox: a map of absolute paths. Folders exist when something is in them.
 *
 * @param check - Throws when the sandbox is gone.
 */
export function memoryFiles(cwd: string, check: () => void): SandboxFiles {
  const files = new Map<string, MemoryFile>();
  const absolute = (path: string): string => posix.resolve(cwd, path);
  const failed = (operation: string, path: string, why: string, cause?: unknown): SandboxAgentError =>
    new SandboxAgentError("file_failed", `${operation} ${path}: ${why}.`, {
      details: { operation, path },
      cause,
    });
  const below = (path: string): string[] => [...files.keys()].filter((key) => key.startsWith(`${path}/`));
  const info = (path: string): FileInfo | undefined => {
    const file = files.get(path);
    if (file !== undefined) {
      return { path, type: "file", size: file.data.byteLength, mode: file.mode, modifiedAt: file.modifiedAt };
    }
    return below(path).length > 0
      ? { path, type: "directory", size: 0, mode: 0o755, modifiedAt: 0 }
      : undefined;
  };
  const begin = async (operation: string, path: string, options?: FileOptions): Promise<string> => {
    options?.signal?.throwIfAborted();
    try {
      check();
    } catch (cause) {
      throw failed(operation, path, "the sandbox is gone", cause);
    }
    return Promise.resolve(absolute(path));
  };
  const read = async (path: string, options?: FileOptions): Promise<Uint8Array> => {
    const file = files.get(await begin("read", path, options));
    if (file === undefined) throw failed("read", path, "there is no such file");
    return file.data.slice();
  };
  const unsupported = async (operation: string, path: string): Promise<never> => {
    await begin(operation, path);
    throw failed(operation, path, "an in-memory sandbox has no archives");
  };
  return {
    read,
    readText: async (path, options) => new TextDecoder().decode(await read(path, options)),
    write: async (path, data, options) => {
      const target = await begin("write", path, options);
      const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data.slice();
      files.set(target, { data: bytes, mode: options?.mode ?? 0o644, modifiedAt: Date.now() });
    },
    list: async (path, options) => {
      const folder = await begin("list", path, options);
      const names = new Set(below(folder).map((key) => key.slice(folder.length + 1).split("/")[0] ?? ""));
      return [...names].flatMap((name) => info(posix.join(folder, name)) ?? []);
    },
    stat: async (path, options) => info(await begin("stat", path, options)),
    mkdir: async (path, options) => {
      await begin("mkdir", path, options);
    },
    remove: async (path, options) => {
      const target = await begin("remove", path, options);
      for (const key of [target, ...below(target)]) files.delete(key);
    },
    move: async (from, to, options) => {
      const source = await begin("move", from, options);
      const keys = files.has(source) ? [source] : below(source);
      if (keys.length === 0) throw failed("move", from, "there is no such file");
      for (const key of keys) {
        const file = files.get(key);
        if (file !== undefined) files.set(absolute(to) + key.slice(source.length), file);
        files.delete(key);
      }
    },
    upload: (path) => unsupported("upload", path),
    download: (path) => unsupported("download", path),
  };
}
