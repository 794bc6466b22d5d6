import { signalMarkedScript } from "./process-marker.ts";
import type { Signal } from "../spec/sandbox.ts";

/** The process tree that a signal is for. */
export interface SignalTarget {
  /** The marker in the processes' environment. */
  readonly processId: string;
  /** The leader's id inside the sandbox, while it is known to run. */
  readonly pid: number | undefined;
  readonly user: string | undefined;
  readonly signal: Signal;
}

/** What the scripts say last, on a line of its own. */
export const signalled = "playpen done";

/** Runs a script inside the sandbox as a user, until it has said `signalled`, and resolves to all that it said. */
export type RunSignalScript = (
  argv: readonly [string, ...string[]],
  user: string | undefined,
) => Promise<string>;

/**
 * Signals the whole tree of a process.
 *
 * The search runs as the process's own user, not as a privileged root: reading another user's environment takes a
 * capability that containers do not have, and a privileged process would run programs which the agent may have
 * replaced, with power over the host. Root's processes can become other users; those are searched in a second step.
 */
export async function signalTree(target: SignalTarget, run: RunSignalScript): Promise<void> {
  const { pid, processId, user, signal } = target;
  const search = signalMarkedScript(processId, signal);
  const leader = [pid === undefined ? "" : String(pid), processId, signal.replace(/^SIG/, "")];
  const output = await run([...shell(firstScript), ...leader, ...search], user);
  const listed = output.matchAll(/^\S+\s+\S+\s+(\d+)\s+(\d+)\s/gm);
  const owners = new Set([...listed].map(([, uid, gid]) => `${uid}:${gid}`));
  owners.delete("0:0");
  await Promise.all([...owners].map((owner) => run([...shell(furtherScript), ...search], owner)));
}

function shell(script: string): readonly [string, ...string[]] {
  return ["/bin/sh", "-c", script, "playpen-signal-tree"];
}

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
echo "${signalled}"
`;
const furtherScript = `"$@" && echo "${signalled}"`;
