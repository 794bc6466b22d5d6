import type Dockerode from "dockerode";
import { SandboxAgentError, type Signal, signalMarkedScript } from "../../src/kit.ts";
import { isRunning } from "./container-state.ts";
import { FrameDecoder } from "./frame-decoder.ts";

export interface SignalTarget {
  /** The marker in the processes' environment. */
  readonly processId: string;
  /** The leader's id inside the container, while it is known to run. */
  readonly pid: number | undefined;
  readonly user: string;
  readonly signal: Signal;
}

/**
 * Signals the whole tree of a process.
 *
 * The search runs as the process's own user, not as a privileged root: reading another user's environment takes a
 * capability that containers do not have, and a privileged process would run programs which the agent may have
 * replaced, with power over the host. Root's processes can become other users; those are searched in a second step.
 */
export async function signalTree(container: Dockerode.Container, target: SignalTarget): Promise<void> {
  const search = signalMarkedScript(target.processId, target.signal);
  const output = await run(container, target.user, [
    "/bin/sh",
    "-c",
    script,
    "playpen-signal-tree",
    target.pid === undefined ? "" : String(target.pid),
    target.processId,
    target.signal.replace(/^SIG/, ""),
    ...search,
  ]);
  const owners = new Set(
    [...output.matchAll(/^\S+\s+\S+\s+(\d+)\s+(\d+)\s/gm)].map(([, uid, gid]) => `${uid}:${gid}`),
  );
  owners.delete("0:0");
  await Promise.all([...owners].map((owner) => run(container, owner, search)));
}

/**
 * A leader that has overwritten its environment does not carry the marker any more, which leaves its group. Root then
 * lists whose processes there are.
 */
const script = `
pid=$1 marker=$2 signal=$3
shift 3
if [ -n "$pid" ] && [ -d "/proc/$pid" ] && ! grep -qsF -- "$marker" "/proc/$pid/environ"; then
  kill -s "$signal" -- "-$pid" 2>/dev/null
fi
"$@" || exit
[ "$(id -u)" = 0 ] && ls -ldn /proc/[0-9]*
exit 0
`;

async function run(container: Dockerode.Container, user: string, argv: readonly string[]): Promise<string> {
  const exec = await container.exec({ Cmd: [...argv], User: user, AttachStdout: true, AttachStderr: true });
  const connection = await exec.start({ hijack: true, stdin: false });
  const decoder = new FrameDecoder();
  let output = "";
  // An error is followed by the end of the connection, and then the exit code tells.
  connection.on("error", () => undefined);
  connection.on("data", (chunk: Uint8Array) => {
    decoder.decode(chunk, (_source, payload) => {
      output += Buffer.from(payload).toString();
    });
  });
  await new Promise((resolve) => connection.once("close", resolve));
  const { ExitCode: code } = await exec.inspect();
  if (code !== 0 && (await isRunning(container))) {
    throw new SandboxAgentError("spawn_failed", `The processes could not be signalled: ${output.trim()}`, {
      details: { command: "kill" },
    });
  }
  return output;
}
