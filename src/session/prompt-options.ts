import {
  isAbortSignal,
  isBoolean,
  isDurationMs,
  isPositiveInteger,
  validateOptions,
} from "../kit/validate-options.ts";

/** @throws TypeError that names the option. */
export function checkPromptOptions(options: unknown): void {
  validateOptions("session.prompt()", options, {
    signal: isAbortSignal,
    timeoutMs: isDurationMs,
    idleTimeoutMs: isDurationMs,
    reject: isBoolean,
    keepRunning: isBoolean,
  });
}

/** @throws TypeError that names the option. */
export function checkSubscribeOptions(options: unknown): void {
  validateOptions("session.events()", options, {
    from: isPositiveInteger,
    backpressure: isBoolean,
    signal: isAbortSignal,
  });
}
