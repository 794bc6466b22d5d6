import { types } from "node:util";

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
