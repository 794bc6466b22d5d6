import { randomUUID } from "node:crypto";
import { Duplex } from "node:stream";
import type Dockerode from "dockerode";
import {
  type ProcessExit,
  SandboxAgentError,
  type Signal,
  type Terminal,
  type TerminalOptions,
  exitOf,
  markedEnvironment,
  parseStartReport,
  programStage,
  stage,
  undoneWhenAborted,
} from "../../src/kit.ts";
import { standardInput } from "./exec-connection.ts";
import { type ResolvedCommand, startFailure } from "./container-process.ts";
import { type ContainerHandle, isRunning, lost } from "./container-state.ts";
import { isGone, statusOf, wordsOf } from "./engine-errors.ts";
import { awaitExitCode } from "./exec-exit.ts";
import { RawOutput } from "./raw-output.ts";
import { signalInContainer } from "./signal-tree.ts";

type Size = Required<Pick<TerminalOptions, "columns" | "rows">>;

/** Sets the size before the program looks at it; the engine can set it only when the program runs. */
const sizeScript = 'stty cols "$1" rows "$2" 2>/dev/null; shift 2; exec "$@"';

export async function openTerminal(
  handle: ContainerHandle,
  command: ResolvedCommand,
  { columns = 80, rows = 24, signal }: TerminalOptions,
): Promise<ContainerTerminal> {
  return undoneWhenAborted(start(handle, command, { columns, rows }), signal, async (unwanted) => {
    await unwanted.kill();
    unwanted.containerRemoved();
  });
}

async function start(
  handle: ContainerHandle,
  command: ResolvedCommand,
  size: Size,
): Promise<ContainerTerminal> {
  const processId = randomUUID();
  const [shown] = command.argv;
  const program = programStage(command.argv, { cwd: command.cwd, separators: command.env?.["IFS"] });
  const environment = markedEnvironment(command.env, processId);
  let exec: Dockerode.Exec;
  let connection: unknown;
  try {
    exec = await handle.container.exec({
      Cmd: [...stage("terminal", sizeScript, String(size.columns), String(size.rows), ...program)],
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      User: command.user,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
    });
    connection = await exec.start({ hijack: true, stdin: true, Tty: true });
  } catch (error) {
    throw startFailure(handle, shown, error);
  }
  if (!(connection instanceof Duplex)) throw new Error("The engine gave no connection to the terminal.");
  const terminal = new ContainerTerminal({ handle, exec, connection, command, processId });
  const report = await terminal.started();
  if ("pid" in report) {
    await terminal.resize(size);
    return terminal;
  }
  terminal.containerRemoved();
  if (!(await isRunning(handle.container))) throw lost(handle, "It ended while a terminal was being opened.");
  throw new SandboxAgentError(
    "spawn_failed",
    `${JSON.stringify(shown)} could not be started: ${report.failure}`,
    { details: { command: shown } },
  );
}

interface ContainerTerminalInit {
  readonly handle: ContainerHandle;
  readonly exec: Dockerode.Exec;
  readonly connection: Duplex;
  readonly command: ResolvedCommand;
  readonly processId: string;
}

/** A process whose input and outputs are one pseudo-terminal: the connection carries its bytes as they are. */
export class ContainerTerminal implements Terminal {
  readonly input: WritableStream<Uint8Array>;
  readonly output: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  readonly #init: ContainerTerminalInit;
  readonly #output: RawOutput;
  readonly #sentSignals = new Set<Signal>();
  #pid: number | undefined;
  #hasEnded = false;
  #sandboxEnds = false;

  constructor(init: ContainerTerminalInit) {
    this.#init = init;
    this.#output = new RawOutput(init.connection);
    this.input = standardInput(init.connection);
    this.output = this.#output.stream;
    this.exited = this.#watch();
    this.exited.catch(() => undefined);
  }

  async started(): Promise<ReturnType<typeof parseStartReport>> {
    const { command } = this.#init;
    const report = parseStartReport(await this.#output.report, command, command.cwd);
    if ("pid" in report) this.#pid = report.pid;
    return report;
  }

  async resize({ columns, rows }: Size): Promise<void> {
    try {
      await this.#init.exec.resize({ w: columns, h: rows });
    } catch (error) {
      // Podman says 201, which the client does not expect.
      if ((statusOf(error) ?? 500) < 300) return;
      // One that has ended has no size.
      const { Running: isStillRunning } = await this.#init.exec.inspect().catch(() => ({ Running: false }));
      if (!isStillRunning) return;
      const { provider } = this.#init.handle;
      throw new SandboxAgentError("provider_failed", `The terminal kept its size: ${wordsOf(error)}`, {
        details: { provider },
        cause: error,
      });
    }
  }

  async kill(signal: Signal = "SIGKILL"): Promise<void> {
    const { handle, processId, command } = this.#init;
    this.#sentSignals.add(signal);
    const pid = this.#hasEnded ? undefined : this.#pid;
    try {
      await signalInContainer(handle.container, { processId, pid, user: command.user, signal });
    } catch (error) {
      if (isGone(error)) return;
      if (SandboxAgentError.is(error)) throw error;
      throw lost(handle, `A terminal in it could not be signalled: ${wordsOf(error)}`, error);
    }
  }

  /** The container is about to be removed. */
  sandboxEnds(): void {
    this.#sandboxEnds = true;
  }

  /** Lets the streams end even if the engine leaves the connection open. */
  containerRemoved(): void {
    this.#init.connection.destroy();
  }

  async #watch(): Promise<ProcessExit> {
    const { exec, handle, connection, command } = this.#init;
    await this.#output.closed;
    try {
      const code = await awaitExitCode(handle, exec, { pid: this.#pid, user: command.user });
      if (this.#sandboxEnds) throw lost(handle, "The container ended while a terminal was open in it.");
      return exitOf(code, this.#sentSignals);
    } catch (error) {
      if (SandboxAgentError.is(error)) throw error;
      throw lost(handle, `Nothing is known of a terminal in it any more: ${wordsOf(error)}`, error);
    } finally {
      this.#hasEnded = true;
      connection.destroy();
    }
  }
}
