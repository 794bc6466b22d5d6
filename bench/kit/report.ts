/** What a measuring program prints as its last line. Numbers only, so that every program reports in the same way. */
export interface Report {
  readonly values: { readonly [name: string]: number };
  readonly series: { readonly [name: string]: readonly number[] };
  /** Largest resident set of the program's own process. */
  readonly peakMemoryMb: number;
  /** Processor time of the program's own process. */
  readonly cpuMs: number;
}

const mark = "playpen-bench-report:";

/** Ends a measuring program's work: prints its report. */
export function report(parts: Partial<Pick<Report, "values" | "series">>): void {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const whole: Report = {
    values: parts.values ?? {},
    series: parts.series ?? {},
    peakMemoryMb: maxRSS / 1024,
    cpuMs: (userCPUTime + systemCPUTime) / 1000,
  };
  process.stdout.write(`\n${mark}${JSON.stringify(whole)}\n`);
}

/** Processor time of this process since `before`, a reading of `process.cpuUsage()`. */
export function processorTimeMs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Finds the report in what a program printed. */
export function readReport(output: string): Report | undefined {
  const line = output
    .split("\n")
    .filter((candidate) => candidate.startsWith(mark))
    .at(-1);
  // Written by the function above, in a program of the same build.
  return line === undefined ? undefined : (JSON.parse(line.slice(mark.length)) as Report);
}

/** @throws RangeError when the program did not report it. */
export function valueOf({ values }: Report, name: string): number {
  const value = values[name];
  if (value === undefined) throw new RangeError(`The report lacks the value ${name}.`);
  return value;
}

/** @throws RangeError when the program did not report it. */
export function seriesOf({ series }: Report, name: string): readonly number[] {
  const values = series[name];
  if (values === undefined) throw new RangeError(`The report lacks the series ${name}.`);
  return values;
}
