import { readFile, readdir } from "node:fs/promises";

/** The processes of this machine that carry a mark in their environment. */
export async function processesOf(mark: string): Promise<readonly number[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const environment = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
      return environment.includes(mark) ? [Number(name)] : [];
    }),
  );
  return found.flat();
}

/** Until each has been seen twice, since a process that forks may be between two lives. */
export async function signalProcesses(mark: string, signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
  const signalled = new Set<number>();
  for (let calm = 0; calm < 2;) {
    const fresh = (await processesOf(mark)).filter((pid) => !signalled.has(pid));
    calm = fresh.length === 0 ? calm + 1 : 0;
    for (const pid of fresh) {
      signalled.add(pid);
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}
