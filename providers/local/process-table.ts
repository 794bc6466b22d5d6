import { readdirSync, readFileSync } from "node:fs";
import { setImmediate as nextTick } from "node:timers/promises";

/** One line of the process table. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Clock ticks since the machine started: with the pid it names a process for good. */
  readonly startTime: string;
  readonly ended: boolean;
}

/** `undefined` when there is no such process. */
export function readProcess(pid: number): ProcessEntry | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The command's name stands in parentheses and may hold blanks and parentheses itself.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const startTime = fields[19];
  if (startTime === undefined) return undefined;
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime,
    ended: fields[0] === "Z" || fields[0] === "X",
  };
}

/** Whether the environment a process was started with holds `marker`, which is `NAME=value`. */
function isMarked(pid: number, marker: Buffer): boolean {
  let environ: Buffer;
  try {
    environ = readFileSync(`/proc/${pid}/environ`);
  } catch {
    return false;
  }
  for (let at = environ.indexOf(marker); at >= 0; at = environ.indexOf(marker, at + 1)) {
    const after = at + marker.length;
    if ((at === 0 || environ[at - 1] === 0) && (after === environ.length || environ[after] === 0))
      return true;
  }
  return false;
}

/** So many processes are read before the event loop gets its turn: about 3 ms. */
const processesPerTick = 100;

/**
 * Finds every process that carries `marker` in its environment, and those which dropped it but are children of one, or
 * members of a session that one of them has opened. Ended ones that were not yet waited for do not count.
 */
export async function findMarked(marker: string): Promise<readonly ProcessEntry[]> {
  const bytes = Buffer.from(marker);
  const own = readProcess(process.pid);
  const found = new Map<number, ProcessEntry>();
  const others: ProcessEntry[] = [];
  let read = 0;
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    if (++read % processesPerTick === 0) await nextTick();
    const entry = readProcess(pid);
    // Kernel threads are children of process 2 and have no environment.
    if (entry === undefined || entry.ended || entry.parent === 2) continue;
    if (isMarked(pid, bytes)) found.set(pid, entry);
    else others.push(entry);
  }
  const sessions = new Set<number>();
  let grown = found.size > 0;
  while (grown) {
    grown = false;
    for (const entry of found.values()) {
      if (entry.session !== own?.session && entry.session > 1) sessions.add(entry.session);
    }
    for (const entry of others) {
      if (found.has(entry.pid) || (!found.has(entry.parent) && !sessions.has(entry.session))) continue;
      found.set(entry.pid, entry);
      grown = true;
    }
  }
  return [...found.values()];
}
