/**
 * What the measuring programs of this folder have in common. They are plain JavaScript, outside the repository's own
 * build: they import the packages installed here.
 *
 *     node NAME.mjs WORKSPACE CAP-IN-MS
 */
import { resourceUsage } from "node:process";

export const [workspace, capText] = process.argv.slice(2);

/** Counts what the peer hands to its consumer, and reports when the work is done or the cap is reached. */
export async function measure(work) {
  const seen = { events: 0, textLength: 0 };
  const startedAt = performance.now();
  const finish = (finished) => {
    const { maxRSS, userCPUTime, systemCPUTime } = resourceUsage();
    const report = {
      values: { ...seen, finished, elapsedMs: performance.now() - startedAt },
      series: {},
      peakMemoryMb: maxRSS / 1024,
      cpuMs: (userCPUTime + systemCPUTime) / 1000,
    };
    process.stdout.write(`\nplaypen-bench-report:${JSON.stringify(report)}\n`, () => process.exit(0));
  };
  setTimeout(() => finish(0), Number(capText));
  await work(seen);
  finish(1);
}
