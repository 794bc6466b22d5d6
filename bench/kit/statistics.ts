/** The middle of some measurements, and how far they spread. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** @throws RangeError when there is nothing to summarize. */
export function summarize(values: readonly number[]): Summary {
  const sorted = sort(values);
  return {
    median: percentile(sorted, 50),
    min: percentile(sorted, 0),
    max: percentile(sorted, 100),
    count: sorted.length,
  };
}

/** The nearest-rank percentile of measurements in any order; the median of an even count is the mean of the middle two. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = sort(values);
  if (rank === 50 && sorted.length % 2 === 0) {
    return (at(sorted, sorted.length / 2 - 1) + at(sorted, sorted.length / 2)) / 2;
  }
  return at(sorted, Math.max(0, Math.ceil((rank / 100) * sorted.length) - 1));
}

function sort(values: readonly number[]): readonly number[] {
  return [...values].sort((a, b) => a - b);
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError("There is no measurement.");
  return value;
}
