import { memorySandbox, type MemoryProgram, type MemorySandboxProvider } from "playpen/testing";

/** A sandbox in memory whose only program is the scripted agent: nothing but the library's own work is measured. */
export function sandboxOf(program: MemoryProgram): MemorySandboxProvider {
  return memorySandbox({ programs: { "scripted-agent": program } });
}

/** A delta of ordinary size. */
export function delta(messageId: string, text: string): object {
  return { type: "message.delta", messageId, text };
}

/** Waits until promises and streams have done what they can. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** @throws Error when the program was not started with `--expose-gc`. */
export function heapAfterCollection(): number {
  if (globalThis.gc === undefined) throw new Error("Start with --expose-gc.");
  for (let round = 0; round < 3; round += 1) globalThis.gc();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
