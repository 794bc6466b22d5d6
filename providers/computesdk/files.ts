import { randomUUID } from "node:crypto";
import { posix } from "node:path";
import {
  type Argv,
  type FileOptions,
  type FileWriteOptions,
  SandboxAgentError,
  type SandboxFiles,
  type ShortRun,
  abortable,
} from "../../src/kit.ts";
import { decodeCommand, encodeCommand } from "./commands.ts";
import type { ComputeSandbox } from "./compute.ts";
import { vendorCall } from "./vendor-call.ts";

export interface VendorFilesInit {
  readonly sandbox: ComputeSandbox;
  readonly cwd: string;
  /** A folder that only the library uses. */
  readonly privateFolder: string;
  readonly timeoutMs: number;
  /** Rejects with `sandbox_closed` when the sandbox was destroyed. */
  readonly run: (argv: Argv) => Promise<ShortRun>;
}

/**
 * Reads and writes whole files by the vendor's own calls, which take text: their content goes as base64 through a file of
 * the library's, so that every byte arrives and a file is replaced at once.
 */
export function vendorFiles(init: VendorFilesInit): Pick<SandboxFiles, "read" | "readText" | "write"> {
  const { sandbox, cwd, privateFolder, timeoutMs, run } = init;
  const call = <Value>(action: string, request: () => Promise<Value>): Promise<Value> =>
    vendorCall({ action, id: sandbox.sandboxId, timeoutMs }, request);
  const forget = (path: string): void => {
    run(["rm", "-f", "--", path]).catch(() => undefined);
  };
  const read = async (operation: string, path: string, { signal }: FileOptions): Promise<Uint8Array> => {
    signal?.throwIfAborted();
    const carried = `${privateFolder}/${randomUUID()}`;
    return guarded(operation, path, signal, async () => {
      const { code, stderr } = await run(encodeCommand(posix.resolve(cwd, path), carried));
      if (code !== 0) throw new Error(stderr.trim());
      try {
        return Buffer.from(await call("read a file", () => sandbox.filesystem.readFile(carried)), "base64");
      } finally {
        forget(carried);
      }
    });
  };
  return {
    read: (path, options = {}) => read("read", path, options),
    readText: async (path, options = {}) =>
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(await read("readText", path, options)),
    write: async (path, data, { mode = 0o644, signal }: FileWriteOptions = {}) => {
      signal?.throwIfAborted();
      const bytes = Buffer.from(data);
      const word = randomUUID();
      const carried = `${privateFolder}/${word}`;
      const sending = { current: Promise.resolve() };
      try {
        await guarded("write", path, undefined, async () => {
          sending.current = call("write a file", () =>
            sandbox.filesystem.writeFile(carried, bytes.toString("base64")),
          );
          await abortable(sending.current, signal);
          const facts = { word, mode, size: bytes.length };
          const { code, stderr } = await run(decodeCommand(carried, posix.resolve(cwd, path), facts));
          if (code !== 0) throw new Error(stderr.trim());
        });
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        throw error;
      } finally {
        // Whatever became of it: what is on its way still arrives.
        void sending.current.then(
          () => forget(carried),
          () => forget(carried),
        );
      }
    },
  };
}

async function guarded<Value>(
  operation: string,
  path: string,
  signal: AbortSignal | undefined,
  use: () => Promise<Value>,
): Promise<Value> {
  try {
    return await abortable(use(), signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (SandboxAgentError.is(error, "sandbox_closed") || SandboxAgentError.is(error, "sandbox_lost"))
      throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new SandboxAgentError("file_failed", `${operation} of ${path} failed: ${why}`, {
      details: { operation, path },
      cause: error,
    });
  }
}
