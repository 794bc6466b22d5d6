import { setTimeout as delay } from "node:timers/promises";
import type { Signal } from "../../src/kit.ts";
import { findMarked, readProcess, type ProcessEntry } from "./process-table.ts";

export interface SignalOptions {
  /** Process group that gets SIGKILL only: a wrapper outside the sandbox, which reports how the process inside ended. */
  readonly wrapperGroup?: number;
  /** Process group whose marked members are signalled one by one, since others in it shall live. */
  readonly sharedGroup?: number;
}

/** A tree that is still there after so long cannot be killed, for instance because it hangs in the kernel. */
const killTimeoutMs = 10_000;

/**
 * Signals every process group that holds a process with `marker`. For SIGKILL it looks again until none is left, so
 * that a tree which forks meanwhile does not escape.
 */
export async function signalMarked(
  marker: string,
  signal: Signal,
  options: SignalOptions = {},
): Promise<void> {
  if (signal !== "SIGKILL") {
    const members = await findMarked(marker);
    signalGroups(
      members.filter((member) => member.group !== options.wrapperGroup),
      signal,
      options.sharedGroup,
    );
    return;
  }
  const deadline = performance.now() + killTimeoutMs;
  for (let round = 0; performance.now() < deadline; round++) {
    const members = await findMarked(marker);
    if (members.length === 0) return;
    signalGroups(members, signal, options.sharedGroup);
    // The kernel needs a moment to end them; a storm of forks leaves none.
    if (round > 1) await delay(1);
  }
}

function signalGroups(
  members: readonly ProcessEntry[],
  signal: Signal,
  sharedGroup: number | undefined,
): void {
  const own = readProcess(process.pid);
  const done = new Set<number>();
  for (const member of members) {
    // The host's own group is never signalled, even if a process managed to stay in it.
    const alone = member.group <= 1 || member.group === own?.group || member.group === sharedGroup;
    const target = alone ? member.pid : -member.group;
    if (done.has(target)) continue;
    done.add(target);
    // The number may have passed to another process since the table was read.
    const now = readProcess(member.pid);
    if (now?.startTime !== member.startTime || (!alone && now.group !== member.group)) continue;
    sendSignal(target, signal);
  }
}

/** Signals a process, or a group when the number is negative; one that is gone is no error. */
export function sendSignal(target: number, signal: Signal): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
