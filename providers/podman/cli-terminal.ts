import { randomUUID } from "node:crypto";
import {
  type ProcessExit,
  type RemoteSandbox,
  SandboxAgentError,
  type Signal,
  type Terminal,
  type TerminalOptions,
  exitOf,
  markedEnvironment,
  parseStartReport,
  programStage,
  quoteForShell,
  signalTree,
  stage,
  writableFromNode,
} from "../../src/kit.ts";
import type { CliMachine } from "../container-cli/cli-machine.ts";
import type { ContainerCli } from "../container-cli/container-cli.ts";
import { RawOutput } from "../container-engine/raw-output.ts";

// The variables come by a file which only the process's user can read, and which is gone before the program runs: in
// the arguments everybody on this machine could read them.
const terminalScript = `
stty cols "$1" rows "$2" 2>/dev/null
. "$3"
rm -f "$3"
shift 3
exec "$@"
`;
const sizeScript = 'exec stty -F "/proc/$1/fd/0" cols "$2" rows "$3"';

/** Opens a terminal by the `podman` command, which has no terminal itself: sizes are set from inside. */
export async function openCliTerminal(
  sandbox: RemoteSandbox,
  machine: CliMachine,
  cli: ContainerCli,
  options: TerminalOptions,
): Promise<Terminal> {
  const { argv = ["/bin/sh", "-i"], cwd = sandbox.cwd, columns = 80, rows = 24, signal } = options;
  const processId = randomUUID();
  const variables = markedEnvironment({ TERM: "xterm-256color", ...machine.env, ...options.env }, processId);
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoteForShell(value)}\n`);
  const file = `/tmp/.playpen-${processId}`;
  await sandbox.files.write(file, lines.join(""), {
    mode: 0o600,
    ...(signal === undefined ? {} : { signal }),
  });
  const program = programStage(argv, { cwd, separators: variables["IFS"] });
  const userArgs = machine.user === undefined ? [] : ["--user", machine.user];
  const { child, stdin, stdout, stderr } = cli.start([
    "exec",
    "--interactive",
    "--tty",
    ...userArgs,
    machine.id,
    ...stage("terminal", terminalScript, String(columns), String(rows), file, ...program),
  ]);
  // It complains that its own input is no terminal.
  stderr.resume();
  const output = new RawOutput(stdout);
  const sentSignals = new Set<Signal>();
  const exited = new Promise<ProcessExit>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 137 && !sentSignals.has("SIGKILL")) {
        const words = `The sandbox podman/${machine.id} is lost. It ended while a terminal was open in it.`;
        reject(new SandboxAgentError("sandbox_lost", words, { details: { id: machine.id } }));
      } else resolve(exitOf(code ?? 255, sentSignals));
    });
  });
  exited.catch(() => undefined);
  const report = parseStartReport(await output.report, { argv }, cwd);
  if (!("pid" in report)) {
    child.kill("SIGKILL");
    throw new SandboxAgentError(
      "spawn_failed",
      `${JSON.stringify(argv[0])} could not be started: ${report.failure}`,
      { details: { command: argv[0] } },
    );
  }
  let pid: number | undefined = report.pid;
  const hasEnded = (): boolean => pid === undefined;
  const forget = (): void => {
    pid = undefined;
  };
  exited.then(forget, forget);
  const kill = async (kind: Signal = "SIGKILL"): Promise<void> => {
    sentSignals.add(kind);
    await signalTree({ processId, pid, user: machine.user, signal: kind }, async (script, user) => {
      const asUser = user === undefined ? [] : ["--user", user];
      return (await cli.run(["exec", ...asUser, machine.id, ...script])).stdout;
    });
  };
  if (signal?.aborted === true) {
    await kill();
    throw signal.reason;
  }
  return {
    input: writableFromNode(stdin),
    output: output.stream,
    exited,
    kill,
    async resize(size) {
      if (pid === undefined) return;
      const script = stage("size", sizeScript, String(pid), String(size.columns), String(size.rows));
      const { code, stderr: words } = await cli.run(["exec", ...userArgs, machine.id, ...script]);
      // One that has ended meanwhile has no size.
      if (code === 0 || hasEnded()) return;
      throw new SandboxAgentError("provider_failed", `The terminal kept its size: ${words.trim()}`, {
        details: { provider: "podman" },
      });
    },
  };
}
