/**
 * Measures the library against floors: what the same work costs without it, measured in the same run.
 *
 *     npm run bench                    every benchmark but the peers, about ten minutes
 *     npm run bench -- throughput      one of them, or several
 *     npm run bench -- peers           other packages on the same lines; installs them into bench/peers first
 *
 * Prints a table, and keeps the figures in bench/results.json and docs/performance.md. A missed target is a figure
 * like any other: the exit code says only whether the measurements came about.
 */
import { containers } from "./docker/index.ts";
import { decodedLines } from "./lines/index.ts";
import { machine } from "./kit/machine.ts";
import { readResults, type BenchResult, writeResults } from "./kit/results.ts";
import { endPrograms } from "./kit/run-program.ts";
import type { Row } from "./kit/row.ts";
import { printable } from "./kit/table.ts";
import { updateDocument } from "./kit/document.ts";
import { peers } from "./peers.ts";
import { pool } from "./pool/index.ts";
import { providers } from "./providers/index.ts";
import { sessions } from "./sessions/index.ts";
import { throughput } from "./throughput/index.ts";
import { warmTurns, wholeTurns } from "./turns/index.ts";

const benches: { readonly [name: string]: () => Promise<readonly Row[]> } = {
  throughput,
  lines: decodedLines,
  "warm-turns": warmTurns,
  "whole-turns": wholeTurns,
  containers,
  pool,
  providers,
  sessions,
  peers,
};
const onlyWhenAsked = new Set(["peers"]);

const asked = process.argv.slice(2);
for (const name of asked) {
  if (!Object.hasOwn(benches, name)) {
    throw new TypeError(`bench: there is no "${name}"; there are ${Object.keys(benches).join(", ")}.`);
  }
}
const names = asked.length > 0 ? asked : Object.keys(benches).filter((name) => !onlyWhenAsked.has(name));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    endPrograms();
    process.exit(1);
  });
}

const failures: string[] = [];
const done: { [name: string]: BenchResult } = {};
for (const name of names) {
  process.stdout.write(`\n${name}\n`);
  const startedAt = performance.now();
  try {
    const rows = (await benches[name]?.()) ?? [];
    const durationMs = Math.round(performance.now() - startedAt);
    done[name] = { measuredAt: new Date().toISOString().slice(0, 10), durationMs, rows };
    process.stdout.write(`${printable(rows)}\n${(durationMs / 1000).toFixed(0)} s\n`);
  } catch (error) {
    failures.push(name);
    process.stdout.write(`  failed: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
endPrograms();

const results = { machine: machine(), benches: { ...readResults().benches, ...done } };
writeResults(results, Object.keys(benches));
await updateDocument(results);
if (failures.length > 0) process.exitCode = 1;
