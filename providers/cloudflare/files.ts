import { randomUUID } from "node:crypto";
import { posix } from "node:path";
import {
  type Argv,
  type FileOptions,
  type FileWriteOptions,
  SandboxAgentError,
  type SandboxFiles,
  abortable,
} from "../../src/kit.ts";
import type { BridgeClient } from "./bridge-client.ts";
import { longestFilePart } from "./bridge/protocol.ts";

export interface BridgeFilesInit {
  readonly client: BridgeClient;
  readonly id: string;
  readonly cwd: string;
  /** @throws SandboxAgentError when the sandbox was destroyed. */
  readonly assertOpen: () => void;
}

const moveScript = `
[ -d "$2" ] && { echo "It is a directory" >&2; exit 1; }
folder=\${2%/*}
[ -d "\${folder:-/}" ] || mkdir -p -- "$folder" || exit
near=$folder/.playpen-$4
mv -f -- "$1" "$near" && chmod "$3" "$near" && mv -f -- "$near" "$2" && exit 0
rm -f -- "$near"
exit 1
`;
const unpackScript = 'mkdir -p -- "$2" && cd -- "$2" && tar -x -o -f "$1"';

/** The operations for which the bridge's own way takes fewer requests: parts of files, as they are. */
export function bridgeFiles(
  init: BridgeFilesInit,
): Pick<SandboxFiles, "read" | "readText" | "write" | "upload"> {
  const files = new BridgeFiles(init);
  return {
    read: (path, options) => files.read("read", path, options),
    readText: async (path, options) =>
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(await files.read("readText", path, options)),
    write: (path, data, options) => files.write(path, data, options),
    upload: (path, tar, options) => files.upload(path, tar, options),
  };
}

class BridgeFiles {
  readonly #init: BridgeFilesInit;

  constructor(init: BridgeFilesInit) {
    this.#init = init;
  }

  async read(operation: string, path: string, { signal }: FileOptions = {}): Promise<Uint8Array> {
    const { client, id } = this.#init;
    return this.#guarded(operation, path, signal, async (target) => {
      const parts: Uint8Array[] = [];
      let size = 0;
      for (;;) {
        const part = await client.readPart(id, target, size, longestFilePart, signal);
        parts.push(part);
        size += part.length;
        if (part.length < longestFilePart) return Buffer.concat(parts, size);
      }
    });
  }

  async write(path: string, data: Uint8Array | string, options: FileWriteOptions = {}): Promise<void> {
    const { mode = 0o644, signal } = options;
    const word = randomUUID();
    await this.#guarded("write", path, signal, (target) =>
      this.#carried(word, [Buffer.from(data)], signal, (carried) =>
        shell(moveScript, carried, target, mode.toString(8), word),
      ),
    );
  }

  async upload(path: string, tar: ReadableStream<Uint8Array>, { signal }: FileOptions = {}): Promise<void> {
    await this.#guarded("upload", path, signal, (target) =>
      this.#carried(randomUUID(), chunksOf(tar), signal, (carried) => shell(unpackScript, carried, target)),
    );
  }

  /** Brings bytes into a file of the library's own, has a command use it, and takes it away. */
  async #carried(
    word: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
    use: (carried: string) => Argv,
  ): Promise<void> {
    const { client, id } = this.#init;
    const carried = `/tmp/.playpen-file-${word}`;
    try {
      let size = 0;
      for await (const part of partsOf(chunks)) {
        signal?.throwIfAborted();
        await client.writePart(id, carried, size, part);
        size += part.length;
      }
      signal?.throwIfAborted();
      const { code, stderr } = await client.run(id, use(carried));
      if (code !== 0) throw new Error(stderr.trim() || `Exit code ${code}.`);
    } finally {
      client.run(id, ["rm", "-f", "--", carried]).catch(() => undefined);
    }
  }

  async #guarded<Value>(
    operation: string,
    path: string,
    signal: AbortSignal | undefined,
    use: (target: string) => Promise<Value>,
  ): Promise<Value> {
    const { id, cwd, assertOpen } = this.#init;
    signal?.throwIfAborted();
    assertOpen();
    try {
      if (path === "" || path.includes("\0")) {
        throw new Error("A path is a text that is not empty and has no NUL character.");
      }
      return await abortable(use(posix.resolve(cwd, path)), signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (SandboxAgentError.is(error, "sandbox_not_found")) {
        throw new SandboxAgentError("sandbox_lost", error.reason, { details: { id }, cause: error });
      }
      const isOfFile = !SandboxAgentError.is(error) || error.reason.includes("(422)");
      if (!isOfFile) throw error;
      const why = error instanceof Error ? error.message : String(error);
      const message = `files.${operation}(${JSON.stringify(path)}) failed in the sandbox: ${why}`;
      throw new SandboxAgentError("file_failed", message, { details: { operation, path }, cause: error });
    }
  }
}

function shell(script: string, ...parameters: readonly string[]): Argv {
  return ["/bin/sh", "-c", script, "playpen-files", ...parameters];
}

/** The stream's chunks; whoever stops taking them stops the source. */
async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* stream;
}

/** In pieces of the same size but for the last, which may be empty. */
async function* partsOf(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  let isFirst = true;
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length;) {
      const piece = chunk.subarray(from, from + longestFilePart - size);
      held.push(piece);
      size += piece.length;
      from += piece.length;
      if (size < longestFilePart) continue;
      yield Buffer.concat(held);
      isFirst = false;
      held = [];
      size = 0;
    }
  }
  if (isFirst || size > 0) yield Buffer.concat(held);
}
