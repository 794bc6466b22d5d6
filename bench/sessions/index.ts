import { pairedRow, type Pair, type Row } from "../kit/row.ts";
import { type Report, valueOf } from "../kit/report.ts";
import { runProgram } from "../kit/run-program.ts";
import { growth } from "./growth.ts";

const sessionCount = "1000";
const timeoutMs = 120_000;

/** A thousand sessions in one process, and what an event costs as subscribers and history grow. */
export async function sessions(): Promise<readonly Row[]> {
  return [...(await memory()), ...(await latency()), ...(await growth())];
}

async function alternate(
  program: string,
  times: number,
  nodeArguments: readonly string[] = [],
): Promise<(name: string) => readonly Pair[]> {
  const reports: { readonly floor: Report; readonly subject: Report }[] = [];
  for (let time = 0; time < times; time += 1) {
    const run = (side: string): Promise<Report> =>
      runProgram(program, { arguments: [side, sessionCount], nodeArguments, timeoutMs });
    const floor = await run("floor");
    reports.push({ floor, subject: await run("playpen") });
  }
  return (name) =>
    reports.map(({ floor, subject }) => ({ floor: valueOf(floor, name), subject: valueOf(subject, name) }));
}

async function memory(): Promise<readonly Row[]> {
  const pairs = await alternate("session-memory", 3, ["--expose-gc"]);
  const shared = { unit: "KB", kind: "difference" } as const;
  return [
    pairedRow({ ...shared, name: "memory of an open session", pairs: pairs("idleKb") }),
    pairedRow({ ...shared, name: "memory of a session after a turn of 100 deltas", pairs: pairs("usedKb") }),
  ];
}

async function latency(): Promise<readonly Row[]> {
  const pairs = await alternate("event-latency", 3);
  const shared = { unit: "ms", kind: "difference" } as const;
  const note = "1,000 sessions, 5,000 events a second in all";
  return [
    pairedRow({ ...shared, name: "delivery of an event, median", pairs: pairs("p50Ms"), note }),
    pairedRow({ ...shared, name: "delivery of an event, 99th percentile", pairs: pairs("p99Ms"), note }),
  ];
}
