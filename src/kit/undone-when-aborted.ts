import { abortable, settlesWithin } from "./deferred.ts";

const undoTimeoutMs = 5000;

/**
 * Like `abortable`, for what leaves something behind: an abort rejects once that has been undone. A place that does not
 * answer holds the rejection up for five seconds at most; the rest then happens behind it.
 */
export async function undoneWhenAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
  undo: (value: Value) => Promise<unknown>,
): Promise<Value> {
  try {
    return await abortable(promise, signal);
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    // The abort is what the caller is told, whatever becomes of the clean-up.
    await settlesWithin(promise.then(undo), undoTimeoutMs);
    throw signal.reason;
  }
}
