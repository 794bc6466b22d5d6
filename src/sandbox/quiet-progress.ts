import { callListener, listenerWarning } from "../kit/call-listener.ts";
import type { Progress } from "../spec/sandbox.ts";

/** A progress listener that harms nobody: what the host's own throws becomes a process warning, once. */
export function quietProgress(
  onProgress: ((progress: Progress) => unknown) | undefined,
): (progress: Progress) => void {
  const warn = listenerWarning("onProgress", "box");
  return (progress) => {
    if (onProgress !== undefined) callListener(onProgress, progress, warn);
  };
}
