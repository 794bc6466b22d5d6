import { posix } from "node:path";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type { FileInfo, SandboxFiles } from "../spec/sandbox.ts";

interface MemoryFile {
  readonly data: Uint8Array;
  readonly mode: number;
  readonly modifiedAt: number;
}

/** The files of an in-memory sandbox: a map of absolute paths. Folders exist when something is in them. */
export function memoryFiles(cwd = "/workspace"): SandboxFiles {
  const files = new Map<string, MemoryFile>();
  const absolute = (path: string): string => posix.resolve(cwd, path);
  const failed = (operation: string, path: string, why: string): SandboxAgentError<"file_failed"> =>
    new SandboxAgentError("file_failed", `${operation} ${path}: ${why}.`, { details: { operation, path } });
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
  const read = (path: string): Uint8Array => {
    const file = files.get(absolute(path));
    if (file === undefined) throw failed("read", path, "there is no such file");
    return file.data;
  };
  const unsupported = (operation: string, path: string): Promise<never> =>
    Promise.reject(failed(operation, path, "an in-memory sandbox has no archives"));
  return {
    read: async (path) => Promise.resolve().then(() => read(path)),
    readText: async (path) => Promise.resolve().then(() => new TextDecoder().decode(read(path))),
    write: async (path, data, options) => {
      const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data.slice();
      files.set(absolute(path), { data: bytes, mode: options?.mode ?? 0o644, modifiedAt: Date.now() });
      await Promise.resolve();
    },
    list: async (path) => {
      const folder = absolute(path);
      const names = new Set(below(folder).map((key) => key.slice(folder.length + 1).split("/")[0] ?? ""));
      return Promise.resolve([...names].flatMap((name) => info(posix.join(folder, name)) ?? []));
    },
    stat: async (path) => Promise.resolve(info(absolute(path))),
    mkdir: () => Promise.resolve(),
    remove: async (path) => {
      const target = absolute(path);
      for (const key of [target, ...below(target)]) files.delete(key);
      await Promise.resolve();
    },
    move: async (from, to) => {
      const source = absolute(from);
      const keys = files.has(source) ? [source] : below(source);
      if (keys.length === 0) throw failed("move", from, "there is no such file");
      for (const key of keys) {
        const file = files.get(key);
        if (file !== undefined) files.set(absolute(to) + key.slice(source.length), file);
        files.delete(key);
      }
      await Promise.resolve();
    },
    upload: (path) => unsupported("upload", path),
    download: (path) => unsupported("download", path),
  };
}
