import { readFileSync, readdirSync } from "node:fs";

/** Kills the children of this process whose arguments have all these words; at least one. */
export function killPrograms(...words: readonly string[]): void {
  const own = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isChild(name, words));
  if (own.length === 0) throw new Error(`There is no program with ${words.join(" ")}.`);
  for (const pid of own) process.kill(Number(pid), "SIGKILL");
}

function isChild(pid: string, words: readonly string[]): boolean {
  try {
    const given = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    // `id (name) state parent …`, and the name may hold anything.
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    const parent = Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]);
    return parent === process.pid && words.every((word) => given.includes(word));
  } catch {
    // It has ended meanwhile.
    return false;
  }
}
