import { randomUUID } from "node:crypto";
import {
  type FileOptions,
  type FileWriteOptions,
  type SandboxFiles,
  SandboxAgentError,
  abortable,
  undoneWhenAborted,
} from "../../src/kit.ts";
import type { E2bMachine } from "./e2b-machine.ts";

/** Slower than this no transfer is waited for. */
const slowestBytesPerMs = 64;
const largestFileBytes = 4 * 2 ** 30;

export interface E2bFilesOptions {
  readonly machine: E2bMachine;
  readonly assertOpen: () => void;
  /** What the library derives, for data that must not be seen by other users even for a moment. */
  readonly derived: () => Pick<SandboxFiles, "write">;
}

/** The content of files, over the vendor's own way for it; a file is written beside its place, and moved there. */
export function e2bFiles(options: E2bFilesOptions): Partial<SandboxFiles> {
  // The vendor's files know users by name only.
  const { user } = options.machine;
  if (user !== undefined && !/^[A-Za-z_][^:]*$/.test(user)) return {};
  const files = new E2bFiles(options, user);
  return {
    read: (path, more) => files.read("read", path, more),
    readText: async (path, more) =>
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(await files.read("readText", path, more)),
    write: (path, data, more) => files.write(path, data, more),
    upload: (path, tar, more) => files.upload(path, tar, more),
    download: (path, more) => files.download(path, more),
  };
}

class E2bFiles {
  readonly #options: E2bFilesOptions;
  readonly #user: { readonly user?: string };

  constructor(options: E2bFilesOptions, user: string | undefined) {
    this.#options = options;
    this.#user = user === undefined ? {} : { user };
  }

  async read(
    operation: "read" | "readText",
    path: string,
    { signal }: FileOptions = {},
  ): Promise<Uint8Array> {
    const { machine } = this.#options;
    return this.#attempt(operation, path, signal, (absolute) =>
      machine.handle.files.read(absolute, {
        format: "bytes",
        ...this.#transfer(largestFileBytes, signal),
      }),
    );
  }

  async write(path: string, data: Uint8Array | string, options: FileWriteOptions = {}): Promise<void> {
    const { mode = 0o644, signal } = options;
    const { derived } = this.#options;
    if ((mode & 0o077) === 0) return derived().write(path, data, options);
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    await this.#attempt("write", path, signal, async (absolute) => {
      const temporary = `${absolute.slice(0, absolute.lastIndexOf("/"))}/.playpen-${randomUUID()}`;
      await this.#removedOnFailure(temporary, async () => {
        await this.#put(temporary, bytes, signal);
        await this.#script(moveScript, temporary, absolute, mode.toString(8), String(bytes.length));
      });
    });
  }

  /** By files in `/tmp`, which the vendor takes in many times as fast as a process's input. */
  async upload(path: string, tar: ReadableStream<Uint8Array>, { signal }: FileOptions = {}): Promise<void> {
    await this.#attempt("upload", path, signal, async (absolute) => {
      const folder = `/tmp/.playpen-${randomUUID()}`;
      await this.#removedOnFailure(folder, async () => {
        await this.#script('umask 077; mkdir -- "$1"', folder);
        let count = 0;
        for await (const part of partsOf(tar, signal)) {
          await this.#put(`${folder}/${String(count++).padStart(9, "0")}`, part, signal);
        }
        await abortable(this.#script(unpackScript, folder, absolute), signal);
      });
    });
  }

  async download(path: string, { signal }: FileOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const { machine } = this.#options;
    return this.#attempt("download", path, signal, async (absolute) => {
      const temporary = `/tmp/.playpen-${randomUUID()}.tar`;
      const source = await this.#removedOnFailure(temporary, async () => {
        await abortable(this.#script(packScript, temporary, absolute), signal);
        return machine.handle.files.read(temporary, {
          format: "stream",
          ...this.#user,
          ...(signal === undefined ? {} : { signal }),
        });
      });
      return removedAtEnd(source, signal, () => this.#remove(temporary));
    });
  }

  /** An upload that is aborted may still make its file; so it is waited for, and undone by the caller. */
  async #put(path: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const { files } = this.#options.machine.handle;
    const written = files.write(path, new Blob([bytes.slice()]), {
      useOctetStream: true,
      ...this.#transfer(bytes.length, undefined),
    });
    await undoneWhenAborted(written, signal, () => this.#remove(path));
  }

  async #removedOnFailure<Value>(temporary: string, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      await this.#remove(temporary);
      throw error;
    }
  }

  async #remove(temporary: string): Promise<void> {
    await this.#run(["rm", "-rf", "--", temporary]).catch(() => undefined);
  }

  async #script(script: string, ...parameters: readonly string[]): Promise<void> {
    const { code, stderr } = await this.#run(["/bin/sh", "-c", script, "playpen-files", ...parameters]);
    if (code !== 0) throw new Error(stderr.trim() || `Exit code ${code}.`);
  }

  async #attempt<Value>(
    operation: "read" | "readText" | "write" | "upload" | "download",
    path: string,
    signal: AbortSignal | undefined,
    work: (absolute: string) => Promise<Value>,
  ): Promise<Value> {
    const { machine, assertOpen } = this.#options;
    assertOpen();
    signal?.throwIfAborted();
    try {
      if (path === "" || path.includes("\0")) {
        throw new Error("A path is a text that is not empty and has no NUL character.");
      }
      return await work(path.startsWith("/") ? path : `${machine.cwd.replace(/\/$/, "")}/${path}`);
    } catch (error) {
      signal?.throwIfAborted();
      if (SandboxAgentError.is(error)) throw error;
      if (!(await abortable(machine.isAlive(), signal).catch(() => true))) {
        throw new SandboxAgentError("sandbox_lost", `The sandbox e2b/${machine.id} is gone.`, {
          details: { id: machine.id },
          cause: error,
        });
      }
      const why = error instanceof Error ? error.message : String(error);
      throw new SandboxAgentError(
        "file_failed",
        `files.${operation}(${JSON.stringify(path)}) failed in the sandbox: ${why}`,
        { details: { operation, path }, cause: error },
      );
    }
  }

  #run(argv: readonly [string, ...string[]]): Promise<{ readonly code: number; readonly stderr: string }> {
    return this.#options.machine.run({ argv, env: {}, stdin: false, ...this.#user });
  }

  #transfer(
    bytes: number,
    signal: AbortSignal | undefined,
  ): { readonly user?: string; readonly requestTimeoutMs: number; readonly signal?: AbortSignal } {
    const { requestTimeoutMs } = this.#options.machine.service.settings;
    return {
      ...this.#user,
      requestTimeoutMs: Math.min(2 ** 31 - 1, requestTimeoutMs + Math.ceil(bytes / slowestBytesPerMs)),
      ...(signal === undefined ? {} : { signal }),
    };
  }
}

// The length is compared, since a transfer that breaks off may look like the end of the data.
const moveScript = `
if [ -d "$2" ]; then echo "It is a directory" >&2
elif [ "$(wc -c < "$1")" -eq "$4" ] && chmod "$3" "$1" && mv -f -- "$1" "$2"; then exit 0
fi
rm -f -- "$1"
exit 1
`;

const unpackScript = `
mkdir -p -- "$2" && cd -- "$2" && cat -- "$1"/* | tar -x -o -f -
code=$?
rm -rf -- "$1"
exit "$code"
`;
// A folder that is worked in changes while it is packed; tar says so, with the code 1, and packs what it finds.
const packScript = `
cd -- "$2" || exit
umask 077
said=$(tar -c -f "$1" . 2>&1)
code=$?
if [ "$code" = 1 ]; then
  said=$(printf '%s\\n' "$said" | grep -v -e 'file changed as we read it$' -e 'File removed before we read it$')
  [ -z "$said" ] && code=0
fi
[ "$code" = 0 ] || printf '%s\\n' "$said" >&2
exit "$code"
`;

const partBytes = 2 * 2 ** 20;

/** Cuts a stream into parts of a bounded size, at least one. */
async function* partsOf(
  source: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const reader = source.getReader();
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  try {
    for (;;) {
      const { done, value } = await abortable(reader.read(), signal);
      if (done) break;
      for (let from = 0; from < value.length;) {
        const piece = value.subarray(from, from + partBytes - waitingBytes);
        waiting.push(piece);
        waitingBytes += piece.length;
        from += piece.length;
        if (waitingBytes < partBytes) continue;
        yield Buffer.concat(waiting);
        waiting = [];
        waitingBytes = 0;
      }
    }
    yield Buffer.concat(waiting);
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** Removes what the stream was read from, when it has ended or nobody wants more of it. */
function removedAtEnd(
  source: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
  remove: () => Promise<void>,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            controller.enqueue(value);
            return;
          }
        } catch (error) {
          await remove();
          signal?.throwIfAborted();
          throw error;
        }
        await remove();
        controller.close();
      },
      async cancel(reason) {
        await reader.cancel(reason);
        await remove();
      },
    },
    { highWaterMark: 0 },
  );
}
