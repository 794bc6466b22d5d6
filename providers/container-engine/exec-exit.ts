import { setTimeout as delay } from "node:timers/promises";
import type Dockerode from "dockerode";
import { signalled } from "../../src/kit.ts";
import type { ContainerHandle } from "./container-state.ts";
import { runSignalScript } from "./signal-tree.ts";

/** The process of an exec whose connection has ended. */
export interface ExecLeader {
  /** Inside the container, while it is known to run. */
  readonly pid: number | undefined;
  readonly user: string;
}

const longestPollMs = 250;
/** By then an engine has noticed the end of a process that has ended, unless it has much to do. */
const noticedMs = 1000;

/**
 * Resolves to the exit code of a process whose output has ended. It may have closed its outputs and go on, which the end
 * of a connection looks like; one that still holds them has lost its connection, and nobody would hear of it any more.
 *
 * @throws Error for a lost connection, and whatever the client throws when the engine is out of reach.
 */
export async function awaitExitCode(
  { container }: ContainerHandle,
  exec: Dockerode.Exec,
  leader: ExecLeader,
): Promise<number> {
  const since = performance.now();
  let isAnswered = false;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, longestPollMs)) {
    const { Running: running, ExitCode: code } = await exec.inspect();
    if (!running && code !== null) return code;
    if (!isAnswered && performance.now() - since > noticedMs) {
      const holds = await holdsOutput(container, leader).catch(() => undefined);
      if (holds === true) throw new Error("The connection to it broke off.");
      isAnswered = holds !== undefined;
    }
    await delay(pauseMs);
  }
}

const held = "playpen held";
const holdsScript = `
for fd in 1 2; do
  [ -p "/proc/$1/fd/$fd" ] && echo "${held}"
  case $(readlink "/proc/$1/fd/$fd") in /dev/pts/*) echo "${held}" ;; esac
done
echo "${signalled}"
`;

/** Whether one of a process's outputs is still what the engine gave it. */
async function holdsOutput(container: Dockerode.Container, { pid, user }: ExecLeader): Promise<boolean> {
  if (pid === undefined) return false;
  const argv = ["/bin/sh", "-c", holdsScript, "playpen-holds-output", String(pid)];
  const output = await runSignalScript(container, user, argv);
  return output.split("\n").includes(held);
}
