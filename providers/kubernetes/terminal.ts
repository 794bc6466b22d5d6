import { randomUUID } from "node:crypto";
import {
  type Environment,
  type ProcessExit,
  type SandboxFiles,
  type Signal,
  type Terminal,
  type TerminalOptions,
  SandboxAgentError,
  exitOf,
  longestReportBytes,
  markedEnvironment,
  parseStartReport,
  programStage,
  shellLine,
  signalTree,
  userStage,
} from "../../src/kit.ts";
import { startExec } from "./exec-connection.ts";
import type { KubernetesMachine } from "./kubernetes-machine.ts";

/**
 * Starts a process on a pseudo-terminal. A terminal's input is no place for its environment, since a line of it holds
 * 4 KiB and is shown; so that is left in a file, which only its reader can read, and which is gone then.
 */
export async function openTerminal(
  machine: KubernetesMachine,
  files: SandboxFiles,
  options: TerminalOptions,
): Promise<Terminal> {
  const { argv = ["/bin/sh", "-i"], cwd = machine.cwd, columns = 80, rows = 24, signal } = options;
  const processId = randomUUID();
  const env: Environment = { TERM: "xterm-256color", ...machine.env, ...options.env };
  const file = `/tmp/.playpen-${processId}`;
  const lines = Object.entries(markedEnvironment(env, processId)).map(
    ([name, value]) => `export ${name}=${shellLine([value])}\n`,
  );
  await files.write(file, lines.join(""), { mode: 0o600, ...(signal === undefined ? {} : { signal }) });
  const program = programStage(argv, { cwd, separators: env["IFS"] });
  const { user } = machine;
  const inner =
    user === undefined ? program : userStage(user, program, { hasHome: Object.hasOwn(env, "HOME") });
  const connection = await startExec(machine.cluster, machine.id, {
    argv: ["/bin/sh", "-c", script, "playpen-terminal", file, String(columns), String(rows), ...inner],
    stdin: true,
    tty: true,
  });
  const { stdin: input } = connection;
  const sent = new Set<Signal>();
  const kill = async (name: Signal = "SIGKILL"): Promise<void> => {
    sent.add(name);
    await signalTree({ processId, pid: undefined, user, signal: name }, async (words, owner) => {
      const asOwner = owner === undefined ? words : userStage(owner, words, { hasHome: true });
      return (await machine.run({ argv: asOwner, env: {}, stdin: false })).stdout;
    });
  };
  try {
    if (input === undefined) throw new Error("The connection has no standard input.");
    const { report, output } = await afterReport(connection.stdout);
    const started = parseStartReport(report, { argv }, cwd);
    if (!("pid" in started)) throw new Error(started.failure);
    signal?.throwIfAborted();
    return {
      input,
      output,
      exited: exitOfTerminal(connection.exited, sent, machine),
      resize: async (size) => {
        await connection.resize(size);
        const words = [String(started.pid), String(size.columns), String(size.rows)];
        await machine.run({
          argv: ["/bin/sh", "-c", resizeScript, "playpen-resize", ...words],
          env: {},
          stdin: false,
        });
      },
      kill,
    };
  } catch (error) {
    await kill().catch(() => undefined);
    connection.disconnect();
    signal?.throwIfAborted();
    if (SandboxAgentError.is(error)) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new SandboxAgentError("spawn_failed", `${JSON.stringify(argv[0])} could not be started: ${words}`, {
      details: { command: argv[0] },
      cause: error,
    });
  }
}

// The connection has a channel for the size, which takes effect nobody knows when.
const script = `
. "$1" || exit 125
rm -f "$1"
stty cols "$2" rows "$3" 2>/dev/null
shift 3
exec "$@"
`;

const resizeScript = `stty cols "$2" rows "$3" < "/proc/$1/fd/0"`;

async function exitOfTerminal(
  ended: Promise<ProcessExit>,
  sent: ReadonlySet<Signal>,
  { id }: KubernetesMachine,
): Promise<ProcessExit> {
  const exited = ended.then(
    ({ code, signal }) => (code === null ? { code, signal } : exitOf(code, sent)),
    (cause: unknown) => {
      throw new SandboxAgentError("sandbox_lost", `The terminal of the pod ${id} is gone.`, {
        details: { id },
        cause,
      });
    },
  );
  exited.catch(() => undefined);
  return exited;
}

/** Takes the first line off, which a terminal ends by two characters. */
async function afterReport(
  stdout: ReadableStream<Uint8Array>,
): Promise<{ readonly report: string; readonly output: ReadableStream<Uint8Array> }> {
  const reader = stdout.getReader();
  let bytes = Buffer.alloc(0);
  while (!bytes.includes(0x0a) && bytes.length < longestReportBytes) {
    const { value } = await reader.read();
    if (value === undefined) break;
    bytes = Buffer.concat([bytes, value]);
  }
  const end = bytes.indexOf(0x0a);
  const rest = end === -1 ? Buffer.alloc(0) : bytes.subarray(end + 1);
  const report = bytes.toString("utf8", 0, end === -1 ? bytes.length : end).trimEnd();
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
  return { report, output };
}
