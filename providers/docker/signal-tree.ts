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
  const { pid, processId, user, signal } = target;
  const search = signalMarkedScript(processId, signal);
  const leader = [pid === undefined ? "" : String(pid), processId, signal.replace(/^SIG/, "")];
  const output = await run(container, user, [...shell(firstScript), ...leader, ...search]);
  const listed = output.matchAll(/^\S+\s+\S+\s+(\d+)\s+(\d+)\s/gm);
  const owners = new Set([...listed].map(([, uid, gid]) => `${uid}:${gid}`));
  owners.delete("0:0");
  await Promise.all([...owners].map((owner) => run(container, owner, [...shell(furtherScript), ...search])));
}

function shell(script: string): readonly string[] {
  return ["/bin/sh", "-c", script, "playpen-signal-tree"];
}

const done = "playpen done";

/**
 * A leader that has overwritten its environment does not carry the marker any more, which leaves its group. Root then
 * lists whose processes there are.
 */
const firstScript = `
pid=$1 marker=$2 signal=$3
shift 3
if [ -n "$pid" ] && [ -d "/proc/$pid" ] && ! grep -qsF -- "$marker" "/proc/$pid/environ"; then
  kill -s "$signal" -- "-$pid" 2>/dev/null
fi
"$@" || exit
[ "$(id -u)" = 0 ] && ls -ldn /proc/[0-9]* 2>/dev/null
echo "${done}"
`;
const furtherScript = `"$@" && echo "${done}"`;

/**
 * Resolves to the output once the script has said that it is done. The end of the process is not waited for: the
 * engine tells the ends in a container one after the other, and takes two seconds over a process that has just been
 * killed and whose children still hold its pipes.
 */
async function run(container: Dockerode.Container, user: string, argv: readonly string[]): Promise<string> {
  const exec = await container.exec({ Cmd: [...argv], User: user, AttachStdout: true, AttachStderr: true });
  const connection = await exec.start({ hijack: true, stdin: false });
  const decoder = new FrameDecoder();
  let output = "";
  const isDone = await new Promise<boolean>((resolve) => {
    // An error is followed by the end of the connection.
    connection.on("error", () => undefined);
    connection.once("close", () => resolve(false));
    connection.on("data", (chunk: Uint8Array) => {
      try {
        decoder.decode(chunk, (_source, payload) => {
          output += Buffer.from(payload).toString();
        });
      } catch (error) {
        output += String(error);
        connection.destroy();
      }
      if (output.trimEnd().split("\n").at(-1) === done) resolve(true);
    });
  });
  connection.destroy();
  // With the container everything in it has ended.
  if (isDone || !(await isRunning(container))) return output;
  throw new SandboxAgentError("spawn_failed", `The processes could not be signalled: ${output.trim()}`, {
    details: { command: "kill" },
  });
}
