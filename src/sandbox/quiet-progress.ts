import { errorText } from "../errors/error-text.ts";
import { callListener } from "../kit/call-listener.ts";
import type { Progress } from "../spec/sandbox.ts";

/** A progress listener that harms nobody: what the host's own throws becomes a process warning, once. */
export function quietProgress(
  onProgress: ((progress: Progress) => unknown) | undefined,
): (progress: Progress) => void {
  let hasWarned = false;
  const warn = (error: unknown): void => {
    if (hasWarned) return;
    hasWarned = true;
    process.emitWarning(`onProgress failed (reported once a box): ${errorText(error)}`, {
      type: "PlaypenListenerWarning",
    });
  };
  return (progress) => {
    if (onProgress !== undefined) callListener(onProgress, progress, warn);
  };
}
