import { callListener, listenerWarning } from "../kit/call-listener.ts";
import type { PoolEvent } from "./pool-event.ts";

/**
 * A listener that harms nobody: what the host's own throws becomes a process warning, once. It is told later than the
 * event happens, so that what it does to the pool finds the pool in order.
 */
export function quietListener(
  onEvent: ((event: PoolEvent) => unknown) | undefined,
): (event: PoolEvent) => void {
  if (onEvent === undefined) return () => undefined;
  const warn = listenerWarning("onEvent of a pool", "pool");
  return (event) => {
    queueMicrotask(() => {
      callListener(onEvent, event, warn);
    });
  };
}
