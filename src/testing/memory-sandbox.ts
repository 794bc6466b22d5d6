import { randomUUID } from "node:crypto";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { deferred } from "../kit/deferred.ts";
import { isJsonObject } from "../kit/json.ts";
import { isStringArray, type OptionCheck, validateOptions } from "../kit/validate-options.ts";
import type {
  Command,
  CreateOptions,
  Environment,
  Labels,
  ProcessExit,
  Sandbox,
  SandboxFiles,
  SandboxInfo,
  SandboxProcess,
  SandboxProvider,
  SandboxSpec,
  Signal,
} from "../spec/sandbox.ts";
import { memoryFiles } from "./memory-files.ts";

/** A process of the in-memory sandbox, seen from inside. */
export interface MemoryProcess {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
  readonly stdin: ReadableStream<Uint8Array>;
  /** Resolves when the reader wants more: back-pressure as in a pipe. */
  readonly write: (data: string | Uint8Array) => Promise<void>;
  readonly writeError: (data: string) => Promise<void>;
  /** Closes standard output and standard error ahead of the end, as a daemon does. */
  readonly closeOutput: () => void;
  /** Aborted by a signal to the process; `reason` is the signal's name. */
  readonly killed: AbortSignal;
}

/** What a process does; its return value is the exit code, and throwing is exit code 1. */
export type MemoryProgram = (process: MemoryProcess) => Promise<number>;

/** What there is in the sandboxes of `memorySandbox`. */
export interface MemorySandboxOptions {
  /** Programs by the name of the executable. Unless it is one of them, `/bin/sh` finds every program installed. */
  readonly programs: { readonly [name: string]: MemoryProgram };
  /** Signals that programs may handle themselves. SIGKILL, and those not named here, end a process at once. */
  readonly handledSignals?: readonly Signal[];
}

/** The provider of in-memory sandboxes, with a view of what is in them. */
export interface MemorySandboxProvider extends SandboxProvider {
  /** Processes that are running, over all sandboxes. */
  readonly runningProcesses: number;
  /** Sandboxes that are not destroyed. */
  readonly liveSandboxes: number;
  /** Every environment and argv that a process was started with. */
  readonly started: readonly Command[];
  /** Takes a sandbox away without notice, as a crash of the machine does. */
  lose(id: string): void;
}

/**
 * A sandbox provider without processes or files of the operating system: programs are functions. For tests of host
 * programs and of the library itself; it isolates nothing.
 *
 * @example
 * ```ts
 * const provider = memorySandbox({ programs: { echo: async (process) => (await process.write("hi\n"), 0) } });
 * const box = await SandboxAgent.start({ sandbox: provider });
 * ```
 */
export function memorySandbox(options: MemorySandboxOptions): MemorySandboxProvider {
  checkMemorySandbox(options);
  const live = new Map<string, MemorySandbox>();
  const started: Command[] = [];
  return {
    name: "memory",
    capabilities: {
      stdin: "native",
      signals: "emulated",
      users: "none",
      files: "native",
      detach: "none",
      diesWithHost: "native",
      backpressure: "native",
      isolation: "machine",
    },
    get runningProcesses() {
      return [...live.values()].reduce((sum, sandbox) => sum + sandbox.processCount, 0);
    },
    get liveSandboxes() {
      return live.size;
    },
    started,
    lose(id) {
      live.get(id)?.lose();
      live.delete(id);
    },
    check: () => Promise.resolve({ available: true }),
    create(spec: SandboxSpec, { signal }: CreateOptions = {}) {
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
      const sandbox = new MemorySandbox(options, spec, started, () => live.delete(sandbox.id));
      live.set(sandbox.id, sandbox);
      return Promise.resolve(sandbox);
    },
    connect(id) {
      const sandbox = live.get(id);
      if (sandbox !== undefined) return Promise.resolve(sandbox);
      const message = `There is no in-memory sandbox ${id}.`;
      return Promise.reject(new SandboxAgentError("sandbox_not_found", message, { details: { id } }));
    },

    async *list(filter): AsyncIterable<SandboxInfo> {
      for (const { id, labels } of live.values()) {
        const isWanted = Object.entries(filter?.labels ?? {}).every(
          ([name, value]) => labels[name] === value,
        );
        if (isWanted) yield { id, labels, running: true };
      }
    },
  };
}

function checkMemorySandbox(options: unknown): void {
  const arePrograms: OptionCheck = (value) =>
    isJsonObject(value) && Object.values(value).every((program) => typeof program === "function")
      ? undefined
      : "an object of functions by the name of their executable";
  validateOptions("memorySandbox()", options, { programs: arePrograms, handledSignals: isStringArray });
  if (isJsonObject(options) && options["programs"] !== undefined) return;
  throw new TypeError(
    `memorySandbox(): option "programs" must be ${String(arePrograms(undefined))}, received undefined.`,
  );
}

class MemorySandbox implements Sandbox {
  readonly id = randomUUID();
  readonly cwd: string;
  readonly labels: Labels;
  readonly files: SandboxFiles;
  readonly #env: Environment;
  readonly #options: MemorySandboxOptions;
  readonly #started: Command[];
  readonly #onDestroy: () => void;
  readonly #processes = new Map<(exit: ProcessExit | SandboxAgentError) => void, undefined>();
  #isGone = false;

  constructor(options: MemorySandboxOptions, spec: SandboxSpec, started: Command[], onDestroy: () => void) {
    this.#options = options;
    this.#started = started;
    this.#onDestroy = onDestroy;
    this.cwd = spec.cwd ?? "/workspace";
    this.#env = spec.env;
    this.files = memoryFiles(this.cwd, () => {
      if (this.#isGone) throw this.#lostError();
    });
    this.labels = spec.labels;
  }

  get processCount(): number {
    return this.#processes.size;
  }

  async spawn(command: Command, { signal }: { readonly signal?: AbortSignal } = {}): Promise<SandboxProcess> {
    signal?.throwIfAborted();
    if (this.#isGone) throw this.#lostError();
    this.#started.push(command);
    const name = command.argv[0];
    const { programs } = this.#options;
    const program = programs[name] ?? (name === "/bin/sh" ? shell(programs) : undefined);
    if (program === undefined) {
      throw new SandboxAgentError("spawn_failed", `There is no program ${name} in the in-memory sandbox.`, {
        details: { command: name },
      });
    }
    return this.#run(program, command);
  }

  detach(): Promise<void> {
    return Promise.reject(
      new SandboxAgentError("unsupported", "An in-memory sandbox cannot outlive its host.", {
        details: { subject: "memory", feature: "detach" },
      }),
    );
  }

  async destroy(): Promise<void> {
    this.#isGone = true;
    this.#onDestroy();
    for (const end of [...this.#processes.keys()]) end({ code: null, signal: "SIGKILL" });
  }

  lose(): void {
    this.#isGone = true;
    for (const end of [...this.#processes.keys()]) end(this.#lostError());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  #run(program: MemoryProgram, command: Command): SandboxProcess {
    const input = new TransformStream<Uint8Array, Uint8Array>();
    const stdout = pipe();
    const stderr = pipe();
    const killed = new AbortController();
    const exited = deferred<ProcessExit>();
    const end = (exit: ProcessExit | SandboxAgentError): void => {
      if (!this.#processes.delete(end)) return;
      stdout.end();
      stderr.end();
      input.readable.cancel().catch(() => undefined);
      input.writable.abort(new Error("The process has ended.")).catch(() => undefined);
      if (exit instanceof SandboxAgentError) exited.reject(exit);
      else exited.resolve(exit);
    };
    this.#processes.set(end, undefined);
    const process: MemoryProcess = {
      argv: command.argv,
      cwd: command.cwd ?? this.cwd,
      env: { ...this.#env, ...command.env },
      stdin: input.readable,
      write: stdout.write,
      writeError: stderr.write,
      closeOutput: () => {
        stdout.end();
        stderr.end();
      },
      killed: killed.signal,
    };
    if (command.stdin === "ignore") input.writable.close().catch(() => undefined);
    (async () => program(process))().then(
      (code) => {
        end({ code, signal: null });
      },
      () => {
        end({ code: 1, signal: null });
      },
    );
    return {
      stdin: command.stdin === "ignore" ? new WritableStream() : input.writable,
      stdout: stdout.readable,
      stderr: stderr.readable,
      exited: exited.promise,
      kill: (signal = "SIGKILL") => {
        killed.abort(signal);
        if (signal === "SIGKILL" || this.#options.handledSignals?.includes(signal) !== true) {
          end({ code: null, signal });
        }
        return Promise.resolve();
      },
    };
  }

  #lostError(): SandboxAgentError<"sandbox_lost"> {
    return new SandboxAgentError("sandbox_lost", `The in-memory sandbox ${this.id} is gone.`, {
      details: { id: this.id },
    });
  }
}

interface Pipe {
  readonly readable: ReadableStream<Uint8Array>;
  readonly write: (data: string | Uint8Array) => Promise<void>;
  readonly end: () => void;
}

const encoder = new TextEncoder();

/** One direction of a pipe that holds one chunk. What was written before the end is still read after it. */
function pipe(): Pipe {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let wanted = deferred<undefined>();
  let isOpen = true;
  /** The write before: writers wait for their turn, since only one of them can wait for the reader. */
  let last: Promise<void> = Promise.resolve();
  const writeNext = async (data: string | Uint8Array): Promise<void> => {
    while (isOpen && (controller?.desiredSize ?? 0) <= 0) {
      wanted = deferred();
      await wanted.promise;
    }
    if (!isOpen) throw new Error("The pipe is closed.");
    controller?.enqueue(typeof data === "string" ? encoder.encode(data) : data);
  };
  const readable = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      pull() {
        wanted.resolve(undefined);
      },
      cancel() {
        isOpen = false;
        wanted.resolve(undefined);
      },
    },
    { highWaterMark: 1 },
  );
  return {
    readable,
    write(data) {
      const write = last.then(() => writeNext(data));
      last = write.catch(() => undefined);
      return write;
    },
    end() {
      if (!isOpen) return;
      isOpen = false;
      wanted.resolve(undefined);
      controller?.close();
    },
  };
}

/** Answers the library's own question for a CLI: every program is found under its name. */
function shell(programs: MemorySandboxOptions["programs"]): MemoryProgram {
  return async ({ argv, write }) => {
    const command = argv[6];
    await write("playpen:state=/state\n");
    if (command !== undefined && programs[command] !== undefined)
      await write(`playpen:executable=${command}\n`);
    return 0;
  };
}
