import { constants } from "node:os";
import type { ProcessExit, Signal } from "../spec/sandbox.ts";

/**
 * Many APIs report a death by signal as 128 plus its number, which a program may also choose for its exit code. It is
 * taken for a signal when that signal was sent.
 */
export function exitOf(code: number, sentSignals: ReadonlySet<Signal>): ProcessExit {
  for (const signal of sentSignals) {
    if (code === 128 + constants.signals[signal]) return { code: null, signal };
  }
  return { code, signal: null };
}
