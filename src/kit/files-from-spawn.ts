import { randomUUID } from "node:crypto";
import { posix } from "node:path";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type {
  FileInfo,
  FileOptions,
  FileWriteOptions,
  ProcessExit,
  SandboxFiles,
  SandboxProcess,
} from "../spec/sandbox.ts";
import {
  type RunOptions,
  type RunResult,
  type SpawnFunction,
  killWhenAborted,
  readTail,
  runToEnd,
} from "./run-to-end.ts";

/** Options of `filesFromSpawn`. */
export interface FilesFromSpawnOptions {
  /** Absolute; where relative paths start. */
  readonly cwd: string;
}

/**
 * Derives the files of a sandbox from its `spawn`. Each operation takes one process, run as the sandbox's user.
 *
 * The sandbox needs sh, cat, chmod, find, mkdir, mv, rm, wc, and `stat -c` and `tar`, as GNU and BusyBox have them.
 *
 * @example
 * ```ts
 * const files = filesFromSpawn((command, options) => this.spawn(command, options), { cwd: this.cwd });
 * ```
 */
export function filesFromSpawn(spawn: SpawnFunction, options: FilesFromSpawnOptions): SandboxFiles {
  return new SpawnedFiles(spawn, options.cwd);
}

/** Raw mode (hexadecimal), size, seconds, name. A name holds no slash but for its `./`, so that this can be split. */
const statFormat = "/%f %s %Y %n";

/**
 * The input's length is compared, since a host that dies looks like the end of the input. Arguments: target, temporary
 * name, mode, length.
 */
const writeScript = `
[ -d "$1" ] && { echo "It is a directory" >&2; exit 1; }
folder=\${1%/*}
[ -d "\${folder:-/}" ] || mkdir -p -- "$folder" || exit
temporary=$folder/.playpen-$2
umask 077
if cat > "$temporary" && [ "$(wc -c < "$temporary")" -eq "$4" ] && chmod "$3" "$temporary" &&
  mv -f -- "$temporary" "$1"; then exit 0; fi
rm -f -- "$temporary"
exit 1
`;
// A file that vanishes while it is listed is no failure; a folder that may not be read is.
const listScript = `
cd -- "$1" || exit
[ -r . ] || { echo "It may not be read" >&2; exit 1; }
find . ! -name . -prune -exec stat -c '${statFormat}' -- {} + 2>/dev/null
exit 0
`;
const moveScript = `
[ -d "$2" ] && { echo "A directory is at the target" >&2; exit 1; }
exec mv -f -- "$1" "$2"
`;
const uploadScript = 'mkdir -p -- "$1" && cd -- "$1" && exec tar -x -o -f -';
const downloadScript = 'cd -- "$1" && exec tar -c -f - .';

type Operation = keyof SandboxFiles;
type Argv = readonly [string, ...string[]];

function shell(script: string, ...args: readonly string[]): Argv {
  return ["/bin/sh", "-c", script, "playpen-files", ...args];
}

class SpawnedFiles implements SandboxFiles {
  readonly #spawn: SpawnFunction;
  readonly #cwd: string;

  constructor(spawn: SpawnFunction, cwd: string) {
    this.#spawn = spawn;
    this.#cwd = cwd;
  }

  read(path: string, options: FileOptions = {}): Promise<Uint8Array> {
    return this.#read("read", path, options);
  }

  async readText(path: string, options: FileOptions = {}): Promise<string> {
    const bytes = await this.#read("readText", path, options);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  async write(path: string, data: Uint8Array | string, options: FileWriteOptions = {}): Promise<void> {
    const { mode = 0o644, ...rest } = options;
    const input = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const target = this.#absolute("write", path);
    const argv = shell(writeScript, target, randomUUID(), mode.toString(8), String(input.length));
    await this.#run("write", path, argv, { ...rest, input });
  }

  async list(path: string, options: FileOptions = {}): Promise<readonly FileInfo[]> {
    const folder = this.#absolute("list", path);
    const { stdout } = await this.#run("list", path, shell(listScript, folder), options);
    return parseRecords(stdout)
      .map((info) => ({ ...info, path: posix.join(folder, info.path) }))
      .sort((left, right) => (left.path < right.path ? -1 : 1));
  }

  async stat(path: string, options: FileOptions = {}): Promise<FileInfo | undefined> {
    const target = this.#absolute("stat", path);
    const result = await this.#attempt("stat", path, ["stat", "-c", statFormat, "--", target], options);
    if (result.exit.code !== 0 && /No such file or directory|Not a directory/.test(result.stderr)) {
      return undefined;
    }
    this.#check("stat", path, result);
    const [info] = parseRecords(result.stdout);
    return info && { ...info, path: posix.normalize(target) };
  }

  async mkdir(path: string, options: FileOptions = {}): Promise<void> {
    await this.#run("mkdir", path, ["mkdir", "-p", "--", this.#absolute("mkdir", path)], options);
  }

  async remove(path: string, options: FileOptions = {}): Promise<void> {
    const target = this.#absolute("remove", path);
    const result = await this.#attempt("remove", path, ["rm", "-rf", "--", target], options);
    // Below a file there is nothing to remove, which is what was wanted.
    if (!result.stderr.includes("Not a directory")) this.#check("remove", path, result);
  }

  async move(from: string, to: string, options: FileOptions = {}): Promise<void> {
    const argv = shell(moveScript, this.#absolute("move", from), this.#absolute("move", to));
    await this.#run("move", from, argv, options);
  }

  async upload(path: string, tar: ReadableStream<Uint8Array>, options: FileOptions = {}): Promise<void> {
    const argv = shell(uploadScript, this.#absolute("upload", path));
    await this.#run("upload", path, argv, { ...options, input: tar });
  }

  async download(path: string, options: FileOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const { signal } = options;
    const argv = shell(downloadScript, this.#absolute("download", path));
    const process = await this.#guard("download", path, signal, () =>
      this.#spawn({ argv, cwd: "/", env: { LC_ALL: "C" }, stdin: "ignore" }, options),
    );
    return packed(process, signal, (exit, stderr) => {
      this.#check("download", path, { exit, stderr });
    });
  }

  async #read(operation: Operation, path: string, options: FileOptions): Promise<Uint8Array> {
    const argv = ["cat", "--", this.#absolute(operation, path)] as const;
    return (await this.#run(operation, path, argv, options)).stdout;
  }

  async #run(operation: Operation, path: string, argv: Argv, options: RunOptions): Promise<RunResult> {
    const result = await this.#attempt(operation, path, argv, options);
    this.#check(operation, path, result);
    return result;
  }

  /** From `/`, since the working directory may be what an operation is about. */
  async #attempt(operation: Operation, path: string, argv: Argv, options: RunOptions): Promise<RunResult> {
    const command = { argv, cwd: "/", env: { LC_ALL: "C" } };
    return this.#guard(operation, path, options.signal, () => runToEnd(this.#spawn, command, options));
  }

  async #guard<Value>(
    operation: Operation,
    path: string,
    signal: AbortSignal | undefined,
    work: () => Promise<Value>,
  ): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (SandboxAgentError.is(error) && error.code !== "spawn_failed") throw error;
      throw failure(operation, path, error instanceof Error ? error.message : String(error), error);
    }
  }

  #check(
    operation: Operation,
    path: string,
    { exit, stderr, inputFailure }: Pick<RunResult, "exit" | "stderr" | "inputFailure">,
  ): void {
    if (inputFailure !== undefined) {
      throw failure(operation, path, "The source of the data failed.", inputFailure);
    }
    if (exit.code === 0) return;
    const ending =
      exit.code === null ? `It was ended by ${exit.signal ?? "a signal"}.` : `Exit code ${exit.code}.`;
    throw failure(operation, path, stderr.trim() || ending);
  }

  /** Absolute, so that no path is taken for an option; dots in it are the sandbox's to resolve. */
  #absolute(operation: Operation, path: string): string {
    if (path === "" || path.includes("\0")) {
      throw failure(operation, path, "A path is a text that is not empty and has no NUL character.");
    }
    return path.startsWith("/") ? path : `${this.#cwd.replace(/\/$/, "")}/${path}`;
  }
}

function failure(
  operation: Operation,
  path: string,
  why: string,
  cause?: unknown,
): SandboxAgentError<"file_failed"> {
  const message = `files.${operation}(${JSON.stringify(path)}) failed in the sandbox: ${why}`;
  return new SandboxAgentError("file_failed", message, { details: { operation, path }, cause });
}

/** The output of tar; rejects, before the stream is handed out, when there is none and tar failed. */
async function packed(
  process: SandboxProcess,
  signal: AbortSignal | undefined,
  check: (exit: ProcessExit, stderr: string) => void,
): Promise<ReadableStream<Uint8Array>> {
  const unwatch = killWhenAborted(process, signal, 0);
  const reader = process.stdout.getReader();
  const errors = readTail(process.stderr);
  errors.catch(() => undefined);
  const next = async (): Promise<Uint8Array | undefined> => {
    try {
      const { done, value } = await reader.read();
      if (!done) return value;
      const [exit, stderr] = await Promise.all([process.exited, errors]);
      signal?.throwIfAborted();
      if (!isHarmless(exit, stderr)) check(exit, stderr);
    } catch (error) {
      await process.kill().catch(() => undefined);
      signal?.throwIfAborted();
      throw error;
    }
    unwatch();
    return undefined;
  };
  let first = await next();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = first ?? (await next());
        first = undefined;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      async cancel() {
        unwatch();
        await Promise.allSettled([process.kill(), reader.cancel()]);
      },
    },
    { highWaterMark: 0 },
  );
}

/** A folder that is worked in changes while it is packed; tar says so and packs what it finds. */
function isHarmless({ code }: ProcessExit, stderr: string): boolean {
  const lines = stderr.split("\n").filter((line) => line !== "");
  return code === 1 && lines.length > 0 && lines.every((line) => changeWhilePacked.test(line));
}
const changeWhilePacked = /file changed as we read it$|File removed before we read it$/;

const fileTypes: { readonly [bits: number]: FileInfo["type"] } = {
  0o040000: "directory",
  0o100000: "file",
  0o120000: "symlink",
};

/** Reads what `stat` printed; paths are as `stat` was given them. */
function parseRecords(output: Uint8Array): FileInfo[] {
  const text = new TextDecoder().decode(output).replace(/\n$/, "");
  if (text === "") return [];
  return text.split(/\n(?=\/[0-9a-f]+ \d+ -?\d+ )/).flatMap((record) => {
    const [, rawMode, size, seconds, path] = /^\/([0-9a-f]+) (\d+) (-?\d+) ([^]*)$/.exec(record) ?? [];
    if (rawMode === undefined || path === undefined) return [];
    const bits = Number.parseInt(rawMode, 16);
    return {
      path,
      type: fileTypes[bits & 0o170000] ?? "other",
      size: Number(size),
      modifiedAt: Number(seconds) * 1000,
      mode: bits & 0o7777,
    };
  });
}
