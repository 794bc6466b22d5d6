import { randomUUID } from "node:crypto";
import {
  type ProcessExit,
  type Signal,
  type Terminal,
  type TerminalOptions,
  markedEnvironment,
  signalMarkedScript,
} from "../../src/kit.ts";
import type { E2bMachine } from "./e2b-machine.ts";
import type { FollowedProcess } from "./followed-process.ts";
import { selected } from "./process-service.ts";

/** Starts a program on a pseudo-terminal of the sandbox. */
export async function openTerminal(machine: E2bMachine, options: TerminalOptions): Promise<Terminal> {
  const { argv = ["/bin/sh", "-i"], cwd = machine.cwd, env = {}, columns = 80, rows = 24, signal } = options;
  const processId = randomUUID();
  signal?.throwIfAborted();
  const followed = await machine.follow(
    {
      argv: ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "playpen-terminal", cwd, ...argv],
      env: markedEnvironment({ TERM: "xterm-256color", ...machine.env, ...env }, processId),
      stdin: true,
      ...(machine.user === undefined ? {} : { user: machine.user }),
    },
    { pty: { size: { cols: columns, rows } } },
  );
  const terminal = new E2bTerminal(machine, followed, processId);
  if (signal?.aborted === true) {
    await terminal.kill();
    throw signal.reason;
  }
  return terminal;
}

class E2bTerminal implements Terminal {
  readonly input: WritableStream<Uint8Array>;
  readonly output: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  readonly #machine: E2bMachine;
  readonly #followed: FollowedProcess;
  readonly #processId: string;

  constructor(machine: E2bMachine, followed: FollowedProcess, processId: string) {
    this.input = followed.stdin;
    this.output = followed.stdout;
    this.exited = followed.exited;
    this.#machine = machine;
    this.#followed = followed;
    this.#processId = processId;
  }

  async resize(size: { readonly columns: number; readonly rows: number }): Promise<void> {
    const { machine, pid } = { machine: this.#machine, pid: this.#followed.pid };
    await machine.service.call({ action: "resize a terminal", id: machine.id }, () =>
      machine.processes.update(
        { ...selected(pid), pty: { size: { cols: size.columns, rows: size.rows } } },
        { signal: AbortSignal.timeout(machine.service.settings.requestTimeoutMs) },
      ),
    );
  }

  async kill(signal: Signal = "SIGKILL"): Promise<void> {
    const { user } = this.#machine;
    await this.#machine.run({
      argv: signalMarkedScript(this.#processId, signal),
      env: {},
      stdin: false,
      ...(user === undefined ? {} : { user }),
    });
  }
}
