import { randomUUID } from "node:crypto";
import {
  type FileOptions,
  type FileWriteOptions,
  type SandboxFiles,
  SandboxAgentError,
  abortable,
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
    const { machine, derived } = this.#options;
    if ((mode & 0o077) === 0) return derived().write(path, data, options);
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    await this.#attempt("write", path, signal, async (absolute) => {
      const temporary = `${absolute.slice(0, absolute.lastIndexOf("/"))}/.playpen-${randomUUID()}`;
      try {
        await machine.handle.files.write(temporary, new Blob([bytes.slice()]), {
          useOctetStream: true,
          ...this.#transfer(bytes.length, signal),
        });
        signal?.throwIfAborted();
      } catch (error) {
        await this.#run(["rm", "-f", "--", temporary]).catch(() => undefined);
        throw error;
      }
      const parameters = [temporary, absolute, mode.toString(8), String(bytes.length)];
      const { code, stderr } = await this.#run(["/bin/sh", "-c", moveScript, "playpen-move", ...parameters]);
      if (code !== 0) throw new Error(stderr.trim() || `Exit code ${code}.`);
    });
  }

  async #attempt<Value>(
    operation: "read" | "readText" | "write",
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
