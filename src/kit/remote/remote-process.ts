import { randomUUID } from "node:crypto";
import { SandboxAgentError } from "../../errors/sandbox-agent-error.ts";
import { errorText } from "../../errors/error-text.ts";
import type { Command, ProcessExit, SandboxProcess, Signal } from "../../spec/sandbox.ts";
import { deferred } from "../deferred.ts";
import { exitOf } from "../exit-of.ts";
import { signalTree } from "../signal-tree.ts";
import { undoneWhenAborted } from "../undone-when-aborted.ts";
import { type FifoInputOptions, fifoInput, processFolder, removeFolderCommand } from "./fifo-input.ts";
import { readFirstLine } from "./first-line.ts";
import { GuardedStream } from "./guarded-stream.ts";
import { HeartbeatFilter } from "./heartbeat-filter.ts";
import { launched } from "./launched-command.ts";
import { environmentLine, longestReportBytes, parseStartReport } from "./launcher.ts";
import type { RemoteConnection, RemoteMachine } from "./remote-machine.ts";
import { runShort, shortCommand } from "./run-short.ts";

/** A command with everything that its sandbox adds. */
export interface ResolvedCommand extends Command {
  readonly cwd: string;
}

/** Starts a process; resolves when it runs. An abort leaves none behind. */
export async function startRemoteProcess(
  machine: RemoteMachine,
  command: ResolvedCommand,
  signal: AbortSignal | undefined,
): Promise<RemoteProcess> {
  // Not cut short: only when the process runs can it be found and killed.
  return undoneWhenAborted(start(machine, command), signal, async (unwanted) => {
    await unwanted.kill("SIGKILL");
    unwanted.sandboxEnded();
  });
}

async function start(machine: RemoteMachine, command: ResolvedCommand): Promise<RemoteProcess> {
  const processId = randomUUID();
  const { env = {}, stdin = "pipe" } = command;
  let connection: RemoteConnection;
  try {
    connection = await machine.start(launched(machine.traits, command, processId));
  } catch (error) {
    throw await startFailure(machine, command, errorText(error), error);
  }
  const { exited } = connection;
  exited.catch(() => undefined);
  const reader = connection.stdout.getReader();
  try {
    if (machine.traits.environment === "stdin")
      await giveEnvironment(connection, environmentLine(env), stdin);
    const { line, rest } = await unlessBroken(readFirstLine(reader, longestReportBytes), exited);
    const report = parseStartReport(line, command, command.cwd);
    if ("pid" in report) {
      const { pid } = report;
      return new RemoteProcess({ machine, connection, reader, command, processId, pid, rest });
    }
    throw new Error(line === "" ? await lastWords(connection) : report.failure);
  } catch (error) {
    letGo(connection);
    throw await startFailure(machine, command, errorText(error), error);
  }
}

/** Rejects when the connection breaks, even if the vendor leaves its streams open. */
async function unlessBroken<Value>(promise: Promise<Value>, exited: Promise<unknown>): Promise<Value> {
  return Promise.race([promise, exited.then(() => promise)]);
}

/** Some vendors tell only by the end of the process, or by its standard error, that it could not be started. */
async function lastWords(connection: RemoteConnection): Promise<string> {
  const { line } = await readFirstLine(connection.stderr.getReader(), longestReportBytes);
  const { code } = await connection.exited;
  return line.trim() || `It ended with the code ${code ?? "of a signal"} and without a word.`;
}

async function giveEnvironment(
  connection: RemoteConnection,
  line: string,
  stdin: NonNullable<Command["stdin"]>,
): Promise<void> {
  if (connection.stdin === undefined) throw new Error("The connection has no standard input.");
  const writer = connection.stdin.getWriter();
  await writer.write(new TextEncoder().encode(line));
  if (stdin === "ignore") await writer.close();
  writer.releaseLock();
}

async function startFailure(
  machine: RemoteMachine,
  { argv: [program] }: ResolvedCommand,
  words: string,
  cause: unknown,
): Promise<SandboxAgentError> {
  if (SandboxAgentError.is(cause)) return ownFailure(machine, cause);
  if (!(await isAlive(machine))) return lost(machine, "It ended while a process was being started.", cause);
  return new SandboxAgentError("spawn_failed", `${JSON.stringify(program)} could not be started: ${words}`, {
    details: { command: program },
    cause,
  });
}

/** The adapter's own code stands; but a sandbox that was there, and is not any more, is lost. */
export function ownFailure(machine: RemoteMachine, error: SandboxAgentError): SandboxAgentError {
  if (!SandboxAgentError.is(error, "sandbox_not_found")) return error;
  return lost(machine, "The vendor knows nothing of it any more.", error);
}

/** Of a vendor that fails, or is out of reach, nothing is heard any more of what runs; what concerns the account stands. */
function unheardOf(machine: RemoteMachine, error: unknown): SandboxAgentError {
  const isSilent =
    SandboxAgentError.is(error, "provider_failed") || SandboxAgentError.is(error, "provider_unavailable");
  if (SandboxAgentError.is(error) && !isSilent) return ownFailure(machine, error);
  const words = isSilent ? error.reason : errorText(error);
  return lost(machine, `Nothing is known of a process in it any more: ${words}`, error);
}

export async function isAlive(machine: RemoteMachine): Promise<boolean> {
  try {
    return (await machine.isAlive?.()) ?? true;
  } catch {
    return false;
  }
}

/** An adapter that fails to let go of a connection must not keep the end of a process from being told. */
function letGo(connection: RemoteConnection): void {
  try {
    connection.disconnect();
  } catch {
    // Whatever it held, there is nobody to be told.
  }
}

export function lost(
  { provider, id }: Pick<RemoteMachine, "provider" | "id">,
  why: string,
  cause?: unknown,
): SandboxAgentError<"sandbox_lost"> {
  return new SandboxAgentError("sandbox_lost", `The sandbox ${provider}/${id} is lost. ${why}`, {
    details: { id },
    cause,
  });
}

function fifoRuns(machine: RemoteMachine): FifoInputOptions {
  const { shortRuns, traits } = machine;
  return {
    run: async (argv) => (await runShort(machine, argv)).code,
    runWithInput:
      shortRuns &&
      (async (argv, input) => {
        const command = shortCommand(machine, argv, { user: undefined });
        return (await shortRuns.withInput(command, input)).code;
      }),
    chunkBytes: traits.fifoChunkBytes,
  };
}

const lateAnswerMs = 1000;

interface RemoteProcessInit {
  readonly machine: RemoteMachine;
  readonly connection: RemoteConnection;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly command: ResolvedCommand;
  readonly processId: string;
  readonly pid: number;
  readonly rest: Uint8Array;
}

export class RemoteProcess implements SandboxProcess {
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  readonly #init: RemoteProcessInit;
  readonly #outputs: readonly GuardedStream[];
  readonly #ending = deferred<ProcessExit>();
  readonly #sentSignals = new Set<Signal>();
  #failInput: (reason: Error) => void = () => undefined;
  #interruptInput: (reason: Error) => void = () => undefined;
  #hasEnded = false;

  constructor(init: RemoteProcessInit) {
    const { machine, connection, reader, rest } = init;
    this.#init = init;
    const filter = machine.traits.heartbeatMs === undefined ? undefined : new HeartbeatFilter();
    const stdout = new GuardedStream(reader, { before: rest });
    const stderr = new GuardedStream(connection.stderr.getReader(), { filter });
    this.#outputs = [stdout, stderr];
    this.stdin = this.#input();
    this.stdout = stdout.stream;
    this.stderr = stderr.stream;
    this.exited = this.#ending.promise;
    void this.#watch();
  }

  async kill(signal: Signal = "SIGKILL"): Promise<void> {
    this.#sentSignals.add(signal);
    const { machine, processId, pid, command } = this.#init;
    const target = { processId, pid: this.#hasEnded ? undefined : pid, user: command.user, signal };
    try {
      await signalTree(target, async (argv, user) => {
        const { stdout } = await runShort(machine, argv, user);
        return stdout;
      });
    } catch (error) {
      // A sandbox that is gone has nothing left to signal.
      if (!(await isAlive(machine))) return;
      if (SandboxAgentError.is(error)) throw error;
      throw lost(machine, `A process in it could not be signalled: ${errorText(error)}`, error);
    }
  }

  /** The sandbox is gone, whatever the connection says. */
  sandboxEnded(): void {
    const { machine, connection } = this.#init;
    this.#settle(lost(machine, "It ended while a process ran in it."));
    for (const output of this.#outputs) output.end();
    letGo(connection);
  }

  async #watch(): Promise<void> {
    const { machine, connection } = this.#init;
    try {
      const { code, signal } = await connection.exited;
      this.#settle(code === null ? { code, signal } : exitOf(code, this.#sentSignals));
    } catch (error) {
      const reason = unheardOf(machine, error);
      this.#settle(reason);
      for (const output of this.#outputs) output.fail(reason);
      letGo(connection);
    }
  }

  #settle(exit: ProcessExit | SandboxAgentError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#failInput(new Error("The process has ended."));
    if (exit instanceof SandboxAgentError) this.#ending.reject(exit);
    else this.#ending.resolve(exit);
    this.#tidyUp(exit);
  }

  #tidyUp(exit: ProcessExit | SandboxAgentError): void {
    const { machine, processId, command } = this.#init;
    if (machine.traits.stdin === "native" || command.stdin === "ignore") return;
    if (exit instanceof SandboxAgentError) return;
    runShort(machine, removeFolderCommand(processFolder(processId))).catch(() => undefined);
  }

  #input(): WritableStream<Uint8Array> {
    const sink = this.#sink();
    return new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#failInput = (reason) => {
          controller.error(reason);
          // What the process still took may be told after its end.
          setTimeout(() => this.#interruptInput(reason), lateAnswerMs).unref();
        };
      },
      // What nobody will take must not wait for ever.
      write: (chunk) =>
        new Promise((resolve, reject) => {
          this.#interruptInput = reject;
          sink.write(chunk).then(resolve, reject);
        }),
      close: () => this.#untilInterrupted(sink.close()),
      abort: (reason) => this.#untilInterrupted(sink.abort(reason)),
    });
  }

  #untilInterrupted(closing: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      this.#interruptInput = () => {
        resolve();
      };
      closing.then(resolve, () => {
        resolve();
      });
      if (this.#hasEnded) resolve();
    });
  }

  #sink(): WritableStreamDefaultWriter<Uint8Array> {
    const { machine, connection, command, processId, pid } = this.#init;
    if (command.stdin === "ignore") return new WritableStream<Uint8Array>().getWriter();
    const stream =
      machine.traits.stdin === "fifo"
        ? fifoInput(processFolder(processId), pid, fifoRuns(machine))
        : connection.stdin;
    if (stream === undefined) throw new Error("The connection has no standard input.");
    const writer = stream.getWriter();
    writer.closed.catch(() => undefined);
    return writer;
  }
}
