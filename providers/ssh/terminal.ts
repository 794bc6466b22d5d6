import { randomUUID } from "node:crypto";
import {
  type Argv,
  type Environment,
  OutputChannel,
  SandboxAgentError,
  type Signal,
  type Terminal,
  type TerminalOptions,
  markedEnvironment,
  quoteForShell,
  shellLine,
  signalTree,
} from "../../src/kit.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { terminalCodes, terminalCommand, terminalPrepareCommand } from "./scripts.ts";
import { inputOf } from "./session-channel.ts";

const readAheadBytes = 256 * 1024;

export interface TerminalPlace {
  readonly pool: ConnectionPool;
  /** The sandbox's own; the environment passes through a file in it, since a terminal would show what it is fed. */
  readonly folder: string;
  readonly cwd: string;
  readonly env: Environment;
  /** Runs a short command to its end, with this input. */
  readonly run: (argv: Argv, input: string) => Promise<{ readonly code: number; readonly stdout: string }>;
}

/** Starts a process on a pseudo-terminal of the machine. */
export async function openTerminal(place: TerminalPlace, options: TerminalOptions): Promise<Terminal> {
  const { argv = ["/bin/sh", "-i"], columns = 80, rows = 24 } = options;
  const cwd = options.cwd ?? place.cwd;
  const processId = randomUUID();
  const file = `${place.folder}/terminal/${processId}`;
  const env = markedEnvironment({ TERM: "xterm-256color", ...place.env, ...options.env }, processId);
  const lines = Object.entries(env).map(([name, value]) => `export ${name}=${quoteForShell(value)}\n`);
  const { code } = await place.run(terminalPrepareCommand(file, cwd, argv[0]), lines.join(""));
  if (code !== 0) throw cannotStart(argv[0], cwd, code);
  const line = `exec ${shellLine(terminalCommand(file, cwd, argv))}`;
  const { channel, connection, exited } = await place.pool.execute(line, {
    term: env["TERM"] ?? "xterm",
    cols: columns,
    rows,
    height: 0,
    width: 0,
    modes: {},
  });
  const output = new OutputChannel(() => {
    if (output.bufferedBytes < readAheadBytes && channel.isPaused()) channel.resume();
  });
  channel.on("data", (chunk: Uint8Array) => {
    output.push(chunk);
    if (output.bufferedBytes >= readAheadBytes) channel.pause();
  });
  channel.stderr.resume();
  channel.once("end", () => {
    output.end();
  });
  channel.on("error", (error: Error) => {
    output.fail(error);
  });
  connection.whenEnded(() => {
    output.end();
  });
  return {
    input: inputOf(channel),
    output: output.stream,
    exited,
    async resize(size) {
      channel.setWindow(size.rows, size.columns, 0, 0);
    },
    async kill(signal: Signal = "SIGKILL") {
      const target = { processId, pid: undefined, user: undefined, signal };
      await signalTree(target, async (script) => (await place.run(script, "")).stdout);
    },
  };
}

function cannotStart(program: string, cwd: string, code: number): SandboxAgentError {
  const why =
    code === terminalCodes.cwd
      ? `the working directory ${JSON.stringify(cwd)} cannot be entered`
      : code === terminalCodes.program
        ? "the program was not found"
        : "the sandbox's folder cannot be written to";
  return new SandboxAgentError("spawn_failed", `${JSON.stringify(program)} could not be started: ${why}.`, {
    details: { command: program },
  });
}
