import type { Row, Unit } from "./row.ts";
import type { Summary } from "./statistics.ts";

/** The columns of a report, as text. */
export interface Cells {
  readonly name: string;
  readonly floor: string;
  readonly subject: string;
  readonly comparison: string;
  readonly target: string;
}

export function cellsOf(row: Row): Cells {
  const { comparison, target } = row;
  const sign = comparison?.kind === "ratio" ? "×" : row.unit;
  const bound = target === undefined ? "" : `${target.kind === "at least" ? "≥" : "≤"} ${target.value}`;
  return {
    name: row.name,
    floor: row.floor === undefined ? "" : spread(row.floor, row.unit),
    subject: spread(row.subject, row.unit),
    comparison:
      comparison === undefined ? "" : spread(comparison, row.unit, sign, comparison.kind === "difference"),
    target: target === undefined ? "" : `${bound}: ${target.met ? "met" : "MISSED"}`,
  };
}

/** A table for a terminal. */
export function printable(rows: readonly Row[]): string {
  const head: Cells = {
    name: "",
    floor: "floor",
    subject: "subject",
    comparison: "subject to floor",
    target: "target",
  };
  const all = [head, ...rows.map(cellsOf)];
  const width = (column: keyof Cells): number => Math.max(...all.map((cells) => cells[column].length));
  const columns = ["name", "floor", "subject", "comparison", "target"] as const;
  const widths = columns.map(width);
  return all
    .map((cells, index) => {
      const text = columns.map((column, at) => cells[column].padEnd(widths[at] ?? 0)).join("  ");
      const note = rows[index - 1]?.note;
      return `  ${text.trimEnd()}${note === undefined ? "" : `\n    (${note})`}`;
    })
    .join("\n");
}

function spread(summary: Summary, unit: Unit, sign: string = unit, isSigned = false): string {
  const { median, min, max, count } = summary;
  const write = (value: number): string =>
    `${isSigned && value > 0 ? "+" : ""}${round(value, sign === "×" ? 4 : 2)}`;
  if (count === 1) return `${write(median)} ${sign}`;
  return `${write(median)} ${sign} (${write(min)} – ${write(max)})`;
}

/** @param most - Digits after the point of what is close to 0. */
function round(value: number, most: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : most;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
