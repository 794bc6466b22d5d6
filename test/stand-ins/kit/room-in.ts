import type { Writable } from "node:stream";

/** Resolves when a stream that was full takes more, or will take nothing any more. */
export function roomIn(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off("drain", go).off("close", go);
      resolve();
    };
    stream.once("drain", go).once("close", go);
  });
}
