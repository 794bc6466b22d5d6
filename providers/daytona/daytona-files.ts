import { randomUUID } from "node:crypto";
import {
  type Command,
  type FileOptions,
  type FileWriteOptions,
  type SandboxFiles,
  SandboxAgentError,
  type SandboxProcess,
  abortable,
  filesFromSpawn,
  undoneWhenAborted,
} from "../../src/kit.ts";
import { type DaytonaMachine, carriedFolder } from "./daytona-machine.ts";

export interface DaytonaFilesOptions {
  readonly machine: DaytonaMachine;
  readonly assertOpen: () => void;
}

/**
 * Operations on files by one command each, in place of a process that is asked for its output again and again; data goes
 * in by the vendor's upload. Archives come out as the kit derives them, since they are large.
 */
export function daytonaFiles(options: DaytonaFilesOptions): Partial<SandboxFiles> {
  const { machine } = options;
  const { read, readText, list, stat, mkdir, remove, move } = bound(
    filesFromSpawn((command, more) => runAsProcess(options, command, more?.signal), { cwd: machine.cwd }),
  );
  const files = new UploadedFiles(options);
  return {
    ...{ read, readText, list, stat, mkdir, remove, move },
    write: (path, data, more) => files.write(path, data, more),
  };
}

function bound(files: SandboxFiles): Omit<SandboxFiles, "write" | "upload" | "download"> {
  return {
    read: (path, more) => files.read(path, more),
    readText: (path, more) => files.readText(path, more),
    list: (path, more) => files.list(path, more),
    stat: (path, more) => files.stat(path, more),
    mkdir: (path, more) => files.mkdir(path, more),
    remove: (path, more) => files.remove(path, more),
    move: (from, to, more) => files.move(from, to, more),
  };
}

/** The result of a command is text, and so the output comes as base64. */
const runScript = `
output=$1
shift
umask 022
"$@" > "$output" </dev/null
code=$?
base64 < "$output" | tr -d '\\n'
rm -f "$output"
exit "$code"
`;

async function runAsProcess(
  { machine, assertOpen }: DaytonaFilesOptions,
  { argv }: Command,
  signal: AbortSignal | undefined,
): Promise<SandboxProcess> {
  assertOpen();
  signal?.throwIfAborted();
  const output = `${carriedFolder}/${randomUUID()}`;
  const run = machine.run({
    argv: ["/bin/sh", "-c", runScript, "playpen-run", output, ...argv],
    env: machine.env,
    stdin: false,
  });
  const { code, stdout, stderr } = await abortable(run, signal);
  return {
    stdin: new WritableStream(),
    stdout: streamOf(Buffer.from(stdout, "base64")),
    stderr: streamOf(Buffer.from(stderr)),
    exited: Promise.resolve({ code, signal: null }),
    kill: () => Promise.resolve(),
  };
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

class UploadedFiles {
  readonly #options: DaytonaFilesOptions;

  constructor(options: DaytonaFilesOptions) {
    this.#options = options;
  }

  async write(path: string, data: Uint8Array | string, options: FileWriteOptions = {}): Promise<void> {
    const { mode = 0o644, signal } = options;
    const { machine, assertOpen } = this.#options;
    assertOpen();
    signal?.throwIfAborted();
    const bytes = Buffer.from(data);
    const carried = `${carriedFolder}/${randomUUID()}`;
    const fail = (why: string, cause?: unknown): SandboxAgentError =>
      new SandboxAgentError(
        "file_failed",
        `files.write(${JSON.stringify(path)}) failed in the sandbox: ${why}`,
        { details: { operation: "write", path }, cause },
      );
    if (path === "" || path.includes("\0")) {
      throw fail("A path is a text that is not empty and has no NUL character.");
    }
    const target = path.startsWith("/") ? path : `${machine.cwd.replace(/\/$/, "")}/${path}`;
    const parameters = [carried, target, mode.toString(8), String(bytes.length), randomUUID()];
    try {
      await this.#put(bytes, carried, { ...(signal === undefined ? {} : { signal }) });
      const { code, stderr } = await machine.run({
        argv: ["/bin/sh", "-c", placeScript, "playpen-place", ...parameters],
        env: {},
        stdin: false,
      });
      if (code !== 0) throw new Error(stderr.trim() || `Exit code ${code}.`);
    } catch (error) {
      signal?.throwIfAborted();
      throw SandboxAgentError.is(error) ? error : fail(error instanceof Error ? error.message : "", error);
    }
  }

  /** An upload that is aborted may still make its file. */
  async #put(bytes: Buffer, path: string, { signal }: FileOptions): Promise<void> {
    const { machine } = this.#options;
    await undoneWhenAborted(machine.handle.fs.uploadFile(bytes, path), signal, () =>
      machine.run({ argv: ["rm", "-f", "--", path], env: {}, stdin: false }),
    );
  }
}

// Beside its place first, which may be another file system than that of the upload.
const placeScript = `
[ -d "$2" ] && { echo "It is a directory" >&2; rm -f -- "$1"; exit 1; }
folder=\${2%/*}
temporary=$folder/.playpen-$5
umask 077
if { [ -d "\${folder:-/}" ] || (umask 022; mkdir -p -- "$folder"); } && cat -- "$1" > "$temporary" &&
  [ "$(wc -c < "$temporary")" -eq "$4" ] && chmod "$3" "$temporary" && mv -f -- "$temporary" "$2"; then
  rm -f -- "$1"
  exit 0
fi
rm -f -- "$1" "$temporary"
exit 1
`;
