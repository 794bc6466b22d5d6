import { randomUUID } from "node:crypto";
import { SandboxAgentError } from "../../errors/sandbox-agent-error.ts";
import type { Terminal, TerminalOptions } from "../../spec/sandbox-abilities.ts";
import type { Environment, ProcessExit, SandboxFiles, Signal } from "../../spec/sandbox.ts";
import { exitOf } from "../exit-of.ts";
import { markedEnvironment } from "../process-marker.ts";
import { signalTree } from "../signal-tree.ts";
import {
  type Argv,
  parseStartReport,
  programStage,
  quoteForShell,
  shellLine,
  userStage,
} from "./launcher.ts";
import type { RemoteMachine } from "./remote-machine.ts";
import { runShort } from "./run-short.ts";

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What the vendor gives for a command on a pseudo-terminal. */
export interface TerminalConnection {
  readonly input: WritableStream<Uint8Array>;
  readonly output: ReadableStream<Uint8Array>;
  /**
   * Rejects when the connection breaks before the end is known. Code 128 plus a signal's number may stand for a death by
   * signal.
   */
  readonly exited: Promise<ProcessExit>;
  /** Tells the vendor another size, where it has a call for that; the kit sets it in the sandbox anyway. */
  resize?(size: TerminalSize): Promise<void>;
  /** Lets go of the connection; the process may go on. */
  disconnect(): void;
}

/** What the vendor of a terminal gives. */
export interface TerminalVendor {
  readonly machine: RemoteMachine;
  readonly files: Pick<SandboxFiles, "write">;
  /**
   * Starts a short command on a pseudo-terminal. What is said before the command itself says something, such as the
   * prompt and the echo of a shell that it was typed into, is left out by the kit.
   */
  readonly open: (argv: Argv, size: TerminalSize) => Promise<TerminalConnection>;
}

/**
 * Starts a process on a pseudo-terminal of a vendor's that can do little more than that. Variables, size and command come
 * by a file that only its user can read and that is gone when the program runs: a line written to a terminal would be
 * shown on it, and holds 4 KiB. A new size is set inside the sandbox, by `stty`. To close the input hangs up the program,
 * since a terminal has no end of input.
 *
 * @throws SandboxAgentError `spawn_failed`, and whatever coded error `open` rejects with.
 */
export async function openRemoteTerminal(
  { machine, files, open }: TerminalVendor,
  options: TerminalOptions,
): Promise<Terminal> {
  const { argv = ["/bin/sh", "-i"], cwd = machine.cwd, columns = 80, rows = 24, signal } = options;
  signal?.throwIfAborted();
  const processId = randomUUID();
  const file = `/tmp/.playpen-${processId}`;
  const env: Environment = { TERM: "xterm-256color", ...machine.env, ...options.env };
  const { user } = machine;
  const program = programStage(argv, { cwd, separators: env["IFS"] });
  const inner =
    user !== undefined && machine.traits.users === "launcher"
      ? userStage(user, program, { hasHome: Object.hasOwn(env, "HOME") })
      : program;
  const lines = [
    `rm -f -- ${quoteForShell(file)}`,
    `stty cols ${columns} rows ${rows} 2>/dev/null`,
    ...Object.entries(markedEnvironment(env, processId)).map(
      ([name, value]) => `export ${name}=${quoteForShell(value)}`,
    ),
    `exec ${shellLine(inner)}`,
  ];
  await files.write(file, `${lines.join("\n")}\n`, {
    mode: 0o600,
    ...(signal === undefined ? {} : { signal }),
  });
  const sent = new Set<Signal>();
  const kill = async (name: Signal = "SIGKILL"): Promise<void> => {
    sent.add(name);
    await signalTree({ processId, pid: undefined, user, signal: name }, async (words, owner) => {
      return (await runShort(machine, words, owner)).stdout;
    });
  };
  let connection: TerminalConnection | undefined;
  try {
    connection = await open(["/bin/sh", file], { columns, rows });
    const opened = connection;
    const { report, output } = await afterReport(opened.output);
    const started = parseStartReport(report, { argv, ...(user === undefined ? {} : { user }) }, cwd);
    if (!("pid" in started)) throw new Error(started.failure);
    signal?.throwIfAborted();
    return {
      input: hangingUp(opened.input, () => kill("SIGHUP")),
      output,
      exited: exitOfTerminal(opened.exited, sent, machine),
      resize: async (size) => {
        await opened.resize?.(size);
        const words = [String(started.pid), String(size.columns), String(size.rows)];
        await runShort(machine, ["/bin/sh", "-c", resizeScript, "playpen-resize", ...words]);
      },
      kill,
    };
  } catch (error) {
    await kill().catch(() => undefined);
    await runShort(machine, ["rm", "-f", "--", file]).catch(() => undefined);
    connection?.disconnect();
    signal?.throwIfAborted();
    if (SandboxAgentError.is(error)) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new SandboxAgentError("spawn_failed", `${JSON.stringify(argv[0])} could not be started: ${words}`, {
      details: { command: argv[0] },
      cause: error,
    });
  }
}

// Whatever call a vendor has takes effect nobody knows when. The kernel tells the program that the size is another.
const resizeScript = `stty cols "$2" rows "$3" < "/proc/$1/fd/0"`;

function hangingUp(
  input: WritableStream<Uint8Array>,
  hangUp: () => Promise<void>,
): WritableStream<Uint8Array> {
  const writer = input.getWriter();
  writer.closed.catch(() => undefined);
  return new WritableStream<Uint8Array>({
    write: (chunk) => writer.write(chunk),
    close: hangUp,
    abort: hangUp,
  });
}

async function exitOfTerminal(
  ended: Promise<ProcessExit>,
  sent: ReadonlySet<Signal>,
  { id, provider }: RemoteMachine,
): Promise<ProcessExit> {
  try {
    const { code, signal } = await ended;
    return code === null ? { code, signal } : exitOf(code, sent);
  } catch (cause) {
    if (SandboxAgentError.is(cause)) throw cause;
    throw new SandboxAgentError("sandbox_lost", `A terminal of the sandbox ${provider}/${id} is gone.`, {
      details: { id },
      cause,
    });
  }
}

/** A shell that is typed into may have much to say first. */
const longestPreludeBytes = 64 * 1024;
// A terminal ends a line by two characters, and shells write control sequences in front of what a program says.
const reportLine = /(?:^|[\r\n])(playpen (?:cwd|program|user|[1-9]\d*))\r?\n/;

/** Takes off all up to the line by which the launcher says what became of the program. */
async function afterReport(
  stdout: ReadableStream<Uint8Array>,
): Promise<{ readonly report: string; readonly output: ReadableStream<Uint8Array> }> {
  const reader = stdout.getReader();
  let bytes = Buffer.alloc(0);
  let found: RegExpExecArray | null = null;
  while (found === null && bytes.length < longestPreludeBytes) {
    const { value } = await reader.read();
    if (value === undefined) break;
    bytes = Buffer.concat([bytes, value]);
    // A byte is a character, so that what follows can be cut off.
    found = reportLine.exec(bytes.toString("latin1"));
  }
  const rest = found === null ? Buffer.alloc(0) : bytes.subarray(found.index + found[0].length);
  const output = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (rest.length > 0) controller.enqueue(rest);
      },
      async pull(controller) {
        const { value } = await reader.read();
        if (value === undefined) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { report: found?.[1] ?? bytes.toString("utf8"), output };
}
