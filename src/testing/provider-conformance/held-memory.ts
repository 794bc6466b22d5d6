import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collectGarbage: (() => void) | undefined;

/** Bytes that this process holds on to, without garbage: what a program could run out of. */
function heldMemory(): number {
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

export interface MemoryWatch {
  measure(): Promise<void>;
  /** Fails when more than `maxBytes` beyond what was held at the beginning were held at any measurement. */
  check(): void;
}

/** Measuring and failing are apart, since a failure inside a stream would be taken for the stream's own. */
export async function memoryWatch(maxBytes: number, what: string): Promise<MemoryWatch> {
  const before = await settledMemory();
  let most = 0;
  return {
    async measure() {
      most = Math.max(most, (await settledMemory()) - before);
    },
    check() {
      if (most > maxBytes) {
        throw new Error(
          `${what}: expected at most ${megabytes(maxBytes)} to be held in memory, saw ${megabytes(most)}.`,
        );
      }
    },
  };
}

/** Buffers are let go of a while after the garbage collection that has found them unused. */
async function settledMemory(): Promise<number> {
  let least = heldMemory();
  for (let calm = 0; calm < 3; calm++) {
    await delay(20);
    const now = heldMemory();
    if (now < least - 500_000) calm = 0;
    least = Math.min(least, now);
  }
  return least;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
