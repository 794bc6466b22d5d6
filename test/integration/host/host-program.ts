import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { repositoryRoot } from "../../../scripts/subpaths.ts";

/** A host program in a process of its own, which tells what it does on standard output, one JSON object a line. */
export interface HostProgram {
  readonly process: ChildProcess;
  /** Resolves to the next line whose `step` is this one. Rejects with the program's errors when it ends before. */
  step(name: string): Promise<{ readonly [name: string]: string }>;
  /** Resolves to the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

/** Starts `programs/<name>.ts`; no launcher stands between it and the test, so that a signal hits the host itself. */
export function startHost(name: string, parameters: { readonly [name: string]: string }): HostProgram {
  const file = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file, JSON.stringify(parameters)], {
    cwd: repositoryRoot,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const lines: { readonly [name: string]: string }[] = [];
  const waiting = new Set<() => void>();
  const notify = (): void => {
    for (const wake of [...waiting]) wake();
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(JSON.parse(line) as { readonly [name: string]: string });
    notify();
  });
  let isOver = false;
  const ended = once(child, "close").then(([code, signal]: (number | string | null)[]) => {
    isOver = true;
    notify();
    return code ?? signal ?? "unknown";
  });
  return {
    process: child,
    ended,
    step: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.find((line) => line["step"] === wanted);
          if (found === undefined && !isOver) return;
          waiting.delete(look);
          if (found === undefined) reject(new Error(`The host program ended before "${wanted}":\n${errors}`));
          else resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Waits for something that the operating system does in its own time, and tells how long that took. */
export async function eventually(holds: () => boolean | Promise<boolean>, limitMs: number): Promise<number> {
  const since = performance.now();
  while (!(await holds())) {
    if (performance.now() - since > limitMs)
      throw new Error(`It did not come about within ${String(limitMs)} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return performance.now() - since;
}
