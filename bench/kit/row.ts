import { summarize, type Summary } from "./statistics.ts";

export type Unit = "lines/s" | "ms" | "µs" | "MB" | "KB" | "events" | "s";

/** One line of the report: what was measured, and how it compares with its floor. */
export interface Row {
  readonly name: string;
  readonly unit: Unit;
  /** What the same work costs without the library, in the same run. */
  readonly floor?: Summary;
  readonly subject: Summary;
  /** Of each pair of subject and floor, measured one after the other. */
  readonly comparison?: Comparison;
  readonly target?: Target;
  readonly note?: string;
}

export interface Comparison extends Summary {
  readonly kind: "ratio" | "difference";
}

export interface Target {
  readonly kind: "at least" | "at most";
  readonly value: number;
  readonly met: boolean;
}

/** A measurement of the floor and one of the subject, taken one after the other. */
export interface Pair {
  readonly floor: number;
  readonly subject: number;
}

export interface PairedRowOptions {
  readonly name: string;
  readonly unit: Unit;
  readonly kind: Comparison["kind"];
  readonly pairs: readonly Pair[];
  /** For the median of the comparison. */
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly note?: string;
}

/** Compares pair by pair, so that what slows the machine for a while slows both sides. */
export function pairedRow(options: PairedRowOptions): Row {
  const { name, unit, kind, pairs, note } = options;
  const values = pairs.map(({ floor, subject }) => (kind === "ratio" ? subject / floor : subject - floor));
  const comparison = { kind, ...summarize(values) };
  const target = targetOf(options, comparison.median);
  return {
    name,
    unit,
    floor: summarize(pairs.map(({ floor }) => floor)),
    subject: summarize(pairs.map(({ subject }) => subject)),
    comparison,
    ...(target === undefined ? {} : { target }),
    ...(note === undefined ? {} : { note }),
  };
}

/** Judges a value against a bound, where there is one. */
export function targetOf(
  bounds: { readonly atLeast?: number; readonly atMost?: number },
  value: number,
): Target | undefined {
  const { atLeast, atMost } = bounds;
  if (atLeast !== undefined) return { kind: "at least", value: atLeast, met: value >= atLeast };
  if (atMost !== undefined) return { kind: "at most", value: atMost, met: value <= atMost };
  return undefined;
}
