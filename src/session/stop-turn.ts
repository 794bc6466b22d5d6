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
 * Resolves in any case: the caller looks whether the turn has ended.
 */
export async function stopTurn(
  ended: Promise<void>,
  protocolGraceMs: number,
  process: AgentProcess | undefined,
): Promise<void> {
  if (protocolGraceMs > 0 && (await settlesWithin(ended, protocolGraceMs))) return;
  if (process === undefined) {
    await settlesWithin(ended, signalSteps[2].graceMs);
    return;
  }
  for (const { signal, graceMs } of signalSteps) {
    await process.kill(signal);
    if (await settlesWithin(ended, graceMs)) return;
  }
}
