import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collectGarbage: (() => void) | undefined;

/** Bytes that this process holds on to, without garbage: what a program could run out of. */
export function heldMemory(): number {
  if (collectGarbage === undefined) {
    setFlagsFromString("--expose-gc");
    const collect: unknown = runInNewContext("gc");
    collectGarbage = (): void => {
      if (typeof collect === "function") Reflect.apply(collect, undefined, []);
    };
  }
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Watches that no more than `maxBytes` are held beyond what was held at the beginning. */
export function memoryWatch(maxBytes: number, what: string): { check(): void } {
  const before = heldMemory();
  return {
    check() {
      const held = heldMemory() - before;
      if (held > maxBytes) {
        throw new Error(
          `${what}: expected at most ${megabytes(maxBytes)} to be held in memory, saw ${megabytes(held)}.`,
        );
      }
    },
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
