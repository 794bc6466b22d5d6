import { constants } from "node:os";
import type { MachineExit } from "../kit/machines.ts";

/** A death by signal is told as 128 and its number. */
export function exitCodeOf({ code, signal }: MachineExit): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
