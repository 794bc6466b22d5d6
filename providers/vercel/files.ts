import { randomUUID } from "node:crypto";
import {
  type Argv,
  type FileOptions,
  type FileWriteOptions,
  SandboxAgentError,
  type SandboxFiles,
  type ShortRun,
} from "../../src/kit.ts";
import { runCommand } from "./run-command.ts";
import type { Service } from "./service.ts";
import type { VercelMachine } from "./machine.ts";

type Operation = "read" | "readText" | "write" | "upload";

/** What goes over at once: the vendor's client keeps all of it in memory, and packs it. */
const partBytes = 4 * 1024 * 1024;

const writeScript = `
fail() { rm -f -- "$2" "$near"; exit 1; }
near=
[ -d "$1" ] && { echo "It is a directory" >&2; fail "$@"; }
folder=\${1%/*}
[ -d "\${folder:-/}" ] || mkdir -p -- "$folder" || fail "$@"
near=$folder/.playpen-$4
mv -f -- "$2" "$near" && chmod "$3" "$near" && mv -f -- "$near" "$1" || fail "$@"
`;
const appendScript = 'umask 077; cat -- "$1" >> "$2" && rm -f -- "$1"';
const unpackScript = `
mkdir -p -- "$1" && cd -- "$1" && tar -x -o -f "$2"
status=$?
rm -f -- "$2"
exit "$status"
`;

/**
 * The operations for which the vendor's own way takes fewer requests: what is written would go through a FIFO otherwise, a
 * command for every 64 KiB. They are the image's user's.
 */
export function vendorFiles(service: Service, machine: VercelMachine): Partial<SandboxFiles> {
  const files = new VendorFiles(service, machine);
  return {
    read: (path, options) => files.read("read", path, options),
    readText: async (path, options) =>
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(await files.read("readText", path, options)),
    write: (path, data, options) => files.write(path, data, options),
    upload: (path, tar, options) => files.upload(path, tar, options),
  };
}

class VendorFiles {
  readonly #service: Service;
  readonly #machine: VercelMachine;
  readonly #sessionId: string;

  constructor(service: Service, machine: VercelMachine) {
    this.#service = service;
    this.#machine = machine;
    this.#sessionId = machine.handle.currentSession().sessionId;
  }

  async read(operation: Operation, path: string, options: FileOptions = {}): Promise<Uint8Array> {
    const { signal } = options;
    signal?.throwIfAborted();
    const target = this.#absolute(operation, path);
    const bytes = await this.#guarded(operation, path, signal, () =>
      this.#machine.handle
        .currentSession()
        .readFileToBuffer({ path: target }, signal === undefined ? {} : { signal }),
    );
    if (bytes === null) throw failure(operation, path, "There is no such file.");
    return bytes;
  }

  async write(path: string, data: Uint8Array | string, options: FileWriteOptions = {}): Promise<void> {
    const { mode = 0o644, signal } = options;
    signal?.throwIfAborted();
    const target = this.#absolute("write", path);
    const id = randomUUID();
    const temporary = `/tmp/.playpen-${id}`;
    await this.#put("write", path, temporary, data, signal);
    const argv = shell(writeScript, target, temporary, mode.toString(8), id);
    await this.#run("write", path, argv);
  }

  async upload(path: string, tar: ReadableStream<Uint8Array>, options: FileOptions = {}): Promise<void> {
    const { signal } = options;
    signal?.throwIfAborted();
    const target = this.#absolute("upload", path);
    const archive = `/tmp/.playpen-${randomUUID()}`;
    const part = `${archive}-part`;
    try {
      for await (const bytes of partsOf(path, tar, signal)) {
        await this.#put("upload", path, part, bytes, signal);
        await this.#run("upload", path, shell(appendScript, part, archive));
      }
      signal?.throwIfAborted();
    } catch (error) {
      await this.#attempt(["rm", "-f", "--", part, archive]).catch(() => undefined);
      throw error;
    }
    await this.#run("upload", path, shell(unpackScript, target, archive));
  }

  async #put(
    operation: Operation,
    path: string,
    temporary: string,
    content: Uint8Array | string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const file = { path: temporary, content, mode: 0o600 };
    try {
      await this.#guarded(operation, path, signal, () =>
        this.#machine.handle.currentSession().writeFiles([file], signal === undefined ? {} : { signal }),
      );
      signal?.throwIfAborted();
    } catch (error) {
      await this.#attempt(["rm", "-f", "--", temporary]).catch(() => undefined);
      throw error;
    }
  }

  async #run(operation: Operation, path: string, argv: Argv): Promise<void> {
    const { code, stderr } = await this.#guarded(operation, path, undefined, () => this.#attempt(argv));
    if (code !== 0) throw failure(operation, path, stderr.trim() || `Exit code ${code}.`);
  }

  async #attempt(argv: Argv): Promise<ShortRun> {
    const place = { id: this.#machine.id, sessionId: this.#sessionId };
    return runCommand(this.#service, place, { argv });
  }

  async #guarded<Value>(
    operation: Operation,
    path: string,
    signal: AbortSignal | undefined,
    work: () => Promise<Value>,
  ): Promise<Value> {
    try {
      return await this.#service.call({ action: `${operation} a file`, id: this.#machine.id }, work);
    } catch (error) {
      signal?.throwIfAborted();
      if (!SandboxAgentError.is(error, "provider_failed")) throw error;
      throw failure(operation, path, error.reason, error);
    }
  }

  #absolute(operation: Operation, path: string): string {
    if (path === "" || path.includes("\0")) {
      throw failure(operation, path, "A path is a text that is not empty and has no NUL character.");
    }
    return path.startsWith("/") ? path : `${this.#machine.cwd.replace(/\/$/, "")}/${path}`;
  }
}

function shell(script: string, ...args: readonly string[]): Argv {
  return ["/bin/sh", "-c", script, "playpen-files", ...args];
}

/** The stream in pieces of the same size, but for the last. */
async function* partsOf(
  path: string,
  tar: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  const source = tar[Symbol.asyncIterator]();
  for (;;) {
    signal?.throwIfAborted();
    let next: IteratorResult<Uint8Array>;
    try {
      next = await source.next();
    } catch (error) {
      throw failure("upload", path, "The source of the data failed.", error);
    }
    if (next.done === true) break;
    for (let from = 0; from < next.value.length; from += partBytes) {
      const piece = next.value.subarray(from, from + partBytes);
      held.push(piece);
      size += piece.length;
      if (size < partBytes) continue;
      yield Buffer.concat(held);
      held = [];
      size = 0;
    }
  }
  yield Buffer.concat(held);
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
