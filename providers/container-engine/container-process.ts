import { randomUUID } from "node:crypto";
import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Duplex } from "node:stream";
import type Dockerode from "dockerode";
import {
  type Command,
  type ProcessExit,
  SandboxAgentError,
  type SandboxProcess,
  type Signal,
  type StartReport,
  exitOf,
  markedEnvironment,
  parseStartReport,
  programStage,
  undoneWhenAborted,
} from "../../src/kit.ts";
import { type ContainerHandle, endsWithin, isRunning, lost } from "./container-state.ts";
import { isGone, isUnreachable, wordsOf } from "./engine-errors.ts";
import { ExecConnection } from "./exec-connection.ts";
import { awaitExitCode } from "./exec-exit.ts";
import { signalInContainer } from "./signal-tree.ts";

/** A command with everything that its sandbox adds. */
export interface ResolvedCommand extends Command {
  readonly cwd: string;
  readonly user: string;
}

const inspectTimeoutMs = 1000;
/** How long the engine may take to notice that a container has ended whose processes have. */
const endTimeoutMs = 1000;

/** Starts a process in a running container; resolves when it runs. An abort leaves none behind. */
export async function startProcess(
  handle: ContainerHandle,
  command: ResolvedCommand,
  signal: AbortSignal | undefined,
): Promise<ContainerProcess> {
  // Not cut short: only when the process runs can it be found and killed.
  return undoneWhenAborted(start(handle, command, signal), signal, async (unwanted) => {
    await unwanted.kill("SIGKILL");
    unwanted.abandon();
  });
}

async function start(
  handle: ContainerHandle,
  command: ResolvedCommand,
  signal: AbortSignal | undefined,
): Promise<ContainerProcess> {
  const processId = randomUUID();
  const shown = command.argv[0];
  const exec = await createExec(handle, command, processId);
  signal?.throwIfAborted();
  let connection: Duplex;
  try {
    connection = await exec.start({ hijack: true, stdin: command.stdin !== "ignore" });
  } catch (error) {
    throw startFailure(handle, shown, error);
  }
  const containerProcess = new ContainerProcess(handle, exec, connection, command, processId);
  const report = await containerProcess.started();
  if ("pid" in report) return containerProcess;
  if (!(await isRunning(handle.container))) throw lost(handle, "It ended while a process was being started.");
  throw new SandboxAgentError(
    "spawn_failed",
    `${JSON.stringify(shown)} could not be started: ${report.failure}`,
    {
      details: { command: shown },
    },
  );
}

async function createExec(
  handle: ContainerHandle,
  command: ResolvedCommand,
  processId: string,
): Promise<Dockerode.Exec> {
  const environment = markedEnvironment(command.env, processId);
  try {
    return await handle.container.exec({
      Cmd: [...programStage(command.argv, { cwd: command.cwd, separators: command.env?.["IFS"] })],
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      User: command.user,
      AttachStdin: command.stdin !== "ignore",
      AttachStdout: true,
      AttachStderr: true,
      Tty: false,
    });
  } catch (error) {
    throw startFailure(handle, command.argv[0], error);
  }
}

export function startFailure(handle: ContainerHandle, shown: string, error: unknown): Error {
  if (isGone(error)) return lost(handle, "It is not running any more.", error);
  if (isUnreachable(error)) return lost(handle, `The engine does not answer: ${wordsOf(error)}`, error);
  const status = /paused/i.test(wordsOf(error)) ? "The container is paused." : wordsOf(error);
  return new SandboxAgentError("spawn_failed", `${JSON.stringify(shown)} could not be started: ${status}`, {
    details: { command: shown },
    cause: error,
  });
}

export class ContainerProcess implements SandboxProcess {
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  readonly #handle: ContainerHandle;
  readonly #exec: Dockerode.Exec;
  readonly #connection: ExecConnection;
  readonly #command: ResolvedCommand;
  readonly #processId: string;
  readonly #sentSignals = new Set<Signal>();
  #sandboxEnds = false;
  #pid: number | undefined;
  #settle: (exit: ProcessExit | Error) => void = () => undefined;

  constructor(
    handle: ContainerHandle,
    exec: Dockerode.Exec,
    connection: Duplex,
    command: ResolvedCommand,
    processId: string,
  ) {
    this.#handle = handle;
    this.#exec = exec;
    this.#command = command;
    this.#processId = processId;
    this.#connection = new ExecConnection(connection, {
      hasEnded: () => this.#hasEnded(),
      tooMuchUnread: (maxBytes) =>
        new SandboxAgentError(
          "output_too_large",
          `Nobody read the standard error of ${JSON.stringify(command.argv[0])}; what came after the first ` +
            `${maxBytes} bytes was dropped.`,
          {
            details: { command: command.argv[0], maxBytes },
            remedy: "Read `stderr`, or cancel it, while the process runs.",
          },
        ),
    });
    this.stdin = this.#connection.stdin;
    this.stdout = this.#connection.stdout.stream;
    this.stderr = this.#connection.stderr.stream;
    this.exited = new Promise((resolve, reject) => {
      this.#settle = (exit) => {
        this.#pid = undefined;
        if (exit instanceof Error) reject(exit);
        else resolve(exit);
      };
    });
    this.exited.catch(() => undefined);
    void this.#watch();
  }

  /** Resolves when the process runs, or could not be started. */
  async started(): Promise<StartReport> {
    const report = parseStartReport(await this.#connection.report, this.#command, this.#command.cwd);
    if ("pid" in report) this.#pid = report.pid;
    return report;
  }

  async kill(signal: Signal = "SIGKILL"): Promise<void> {
    this.#sentSignals.add(signal);
    try {
      await signalInContainer(this.#handle.container, {
        processId: this.#processId,
        pid: this.#pid,
        user: this.#command.user,
        signal,
      });
    } catch (error) {
      // A container that is gone has nothing left to signal.
      if (isGone(error)) return;
      if (SandboxAgentError.is(error)) throw error;
      throw lost(this.#handle, `A process in it could not be signalled: ${wordsOf(error)}`, error);
    }
  }

  /** The container is about to be removed. */
  sandboxEnds(): void {
    this.#sandboxEnds = true;
    // Podman does not see a process end whose output it cannot get rid of.
    this.#connection.letRun();
  }

  /** The container was removed: lets the streams end even if the engine leaves the connection open. */
  containerRemoved(): void {
    this.#connection.drain();
    const timer = setTimeout(() => this.abandon(), 1000);
    void this.#connection.closed.then(() => clearTimeout(timer));
  }

  abandon(): void {
    this.#connection.destroy();
  }

  async #watch(): Promise<void> {
    const broken = await this.#connection.closed;
    let exit: ProcessExit | Error;
    try {
      exit = await this.#awaitExit();
    } catch (error) {
      exit = lost(this.#handle, `Nothing is known of a process in it any more: ${wordsOf(error)}`, error);
    }
    // A connection that breaks off with data still on its way to a process that has ended is a normal end.
    if (exit instanceof Error && broken !== undefined) this.#connection.fail(exit);
    else this.#connection.end();
    // The engine leaves it half open, and what the process did not read of its input would keep it so.
    this.#connection.destroy();
    this.#settle(exit);
  }

  async #awaitExit(): Promise<ProcessExit | Error> {
    const code = await awaitExitCode(this.#handle, this.#exec, { pid: this.#pid, user: this.#command.user });
    // So ends every process of a container that is being removed, or has run out of its time. The engine may still
    // call the container running at that moment.
    const wasKilled = code === killedCode && !this.#sentSignals.has("SIGKILL");
    if (wasKilled && (this.#sandboxEnds || (await endsWithin(this.#handle.container, endTimeoutMs)))) {
      return lost(this.#handle, "The container ended while a process ran in it.");
    }
    return exitOf(code, this.#sentSignals);
  }

  async #hasEnded(): Promise<boolean> {
    // Some engines do not answer while they wait for the output of a process that has ended.
    const waited = new AbortController();
    try {
      return await Promise.race([
        this.#exec.inspect().then(({ Running: running }) => !running),
        delay(inspectTimeoutMs, true, { signal: waited.signal }),
      ]);
    } catch {
      return true;
    } finally {
      waited.abort();
    }
  }
}

const killedCode = 128 + constants.signals.SIGKILL;
