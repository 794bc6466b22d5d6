import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits for a promise, but no longer than until the signal is aborted; then rejects with the signal's reason. The
 * promise itself goes on, and its failure is then nobody's.
 */
export async function untilAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (signal === undefined) return promise;
  promise.catch(() => undefined);
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => {
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

const undoTimeoutMs = 5000;

/**
 * Like `untilAborted`, for what leaves something behind: an abort rejects once that has been undone. An engine that
 * does not answer holds the rejection up for five seconds at most; the rest then happens behind it.
 */
export async function undoneWhenAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
  undo: (value: Value) => Promise<unknown>,
): Promise<Value> {
  try {
    return await untilAborted(promise, signal);
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    // The abort is what the caller is told, whatever becomes of the clean-up.
    const undone = promise.then(undo).catch(() => undefined);
    const timer = new AbortController();
    const late = delay(undoTimeoutMs, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([undone, late]);
    timer.abort();
    throw signal.reason;
  }
}
