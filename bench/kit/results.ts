import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./places.ts";
import type { Machine } from "./machine.ts";
import type { Row } from "./row.ts";

export interface BenchResult {
  /** Day of the measurement. */
  readonly measuredAt: string;
  readonly durationMs: number;
  readonly rows: readonly Row[];
}

export interface Results {
  readonly machine: Machine;
  readonly benches: { readonly [name: string]: BenchResult };
}

const file = join(root, "bench/results.json");

/** What earlier runs found; a run of one benchmark leaves the figures of the others alone. */
export function readResults(): Pick<Results, "benches"> {
  if (!existsSync(file)) return { benches: {} };
  // Written by the function below.
  return JSON.parse(readFileSync(file, "utf8")) as Results;
}

export function writeResults(results: Results, order: readonly string[]): void {
  const benches = Object.fromEntries(
    order.flatMap((name) => {
      const result = results.benches[name];
      return result === undefined ? [] : [[name, result]];
    }),
  );
  const rounded = (_: string, value: unknown): unknown =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  writeFileSync(file, `${JSON.stringify({ ...results, benches }, rounded, 2)}\n`);
}
