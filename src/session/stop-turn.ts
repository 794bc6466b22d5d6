import { settlesWithin } from "../kit/deferred.ts";
import type { AgentProcess } from "./agent-process.ts";

/** How long the tree has to end after each signal. */
const signalSteps = [
  { signal: "SIGINT", graceMs: 1_500 },
  { signal: "SIGTERM", graceMs: 1_500 },
  { signal: "SIGKILL", graceMs: 3_000 },
] as const;

/**
 * Waits for a turn that was asked to end; if it does not within the grace, signals the process tree harder and harder.
 * Tells what ended it. Resolves in any case: with `"nothing"` when the turn has not ended.
 */
export async function stopTurn(
  ended: Promise<unknown>,
  protocolGraceMs: number,
  process: AgentProcess | undefined,
): Promise<"protocol" | "signal" | "nothing"> {
  if (protocolGraceMs > 0 && (await settlesWithin(ended, protocolGraceMs))) return "protocol";
  if (process === undefined) {
    return (await settlesWithin(ended, signalSteps[2].graceMs)) ? "signal" : "nothing";
  }
  for (const { signal, graceMs } of signalSteps) {
    await process.kill(signal);
    if (await settlesWithin(ended, graceMs)) return "signal";
  }
  return "nothing";
}
