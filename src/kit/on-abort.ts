interface Shared {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

/** By signal, and gone with it. */
const sharedBySignal = new WeakMap<AbortSignal, Shared>();

/**
 * Calls back when the signal is aborted; not for one that is aborted already. Returns a function that ends it. However
 * many wait for a signal, it has one listener: a host that gives one signal to many turns would otherwise be warned
 * of a leak.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const shared = sharedBySignal.get(signal) ?? share(signal);
  // Wrapped: one function may be given twice.
  const own = (): void => {
    callback();
  };
  if (shared.callbacks.size === 0) signal.addEventListener("abort", shared.listener, { once: true });
  shared.callbacks.add(own);
  return () => {
    if (!shared.callbacks.delete(own)) return;
    if (shared.callbacks.size === 0) signal.removeEventListener("abort", shared.listener);
  };
}

function share(signal: AbortSignal): Shared {
  const callbacks = new Set<() => void>();
  const listener = (): void => {
    const all = [...callbacks];
    callbacks.clear();
    for (const callback of all) callback();
  };
  const shared = { callbacks, listener };
  sharedBySignal.set(signal, shared);
  return shared;
}
