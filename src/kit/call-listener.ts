import { types } from "node:util";
import { errorStack } from "../errors/error-text.ts";

/** Calls a function of the host's. What it throws, or rejects with, goes to `failed`, which must not throw. */
export function callListener<Value>(
  listener: (value: Value) => unknown,
  value: Value,
  failed: (error: unknown) => void,
): void {
  try {
    const result = listener(value);
    // Not by its class: a promise of another realm, such as a test runner's, is of another one.
    if (typeof result === "object" && types.isPromise(result)) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/**
 * Makes a function that tells of what a listener has thrown by a warning of the process, the first time.
 *
 * @param listener - For example `onProgress`.
 * @param owner - What is warned of but once, for example `box`.
 */
export function listenerWarning(listener: string, owner: string): (error: unknown) => void {
  let hasWarned = false;
  return (error) => {
    if (hasWarned) return;
    hasWarned = true;
    process.emitWarning(`${listener} failed (reported once a ${owner}): ${errorStack(error)}`, {
      type: "PlaypenListenerWarning",
    });
  };
}
