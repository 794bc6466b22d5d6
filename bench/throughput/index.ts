import { pairedRow, type Pair, type Row } from "../kit/row.ts";
import { type Report, valueOf } from "../kit/report.ts";
import { runProgram } from "../kit/run-program.ts";

interface MeasuredTurn {
  readonly lines: number;
  /** Whether all text is plain ASCII. Otherwise every delta holds characters beyond Latin. */
  readonly isAscii: boolean;
  readonly pairs: number;
}

const turns: readonly MeasuredTurn[] = [
  { lines: 100_000, isAscii: false, pairs: 21 },
  { lines: 100_000, isAscii: true, pairs: 21 },
  { lines: 1_000_000, isAscii: false, pairs: 3 },
  { lines: 1_000_000, isAscii: true, pairs: 3 },
];
const timeoutMs = 120_000;

/** Lines of a CLI through the whole library against a bare split-and-parse loop. */
export async function throughput(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const turn of turns) {
    const floors: Report[] = [];
    const subjects: Report[] = [];
    for (let pair = 0; pair < turn.pairs; pair += 1) {
      const options = { arguments: [String(turn.lines), ...(turn.isAscii ? ["--ascii"] : [])], timeoutMs };
      floors.push(await runProgram("throughput-floor", options));
      subjects.push(await runProgram("throughput-playpen", options));
    }
    rows.push(...rowsOf(turn, floors, subjects));
  }
  return rows;
}

function rowsOf(
  { lines, isAscii }: MeasuredTurn,
  floors: readonly Report[],
  subjects: readonly Report[],
): readonly Row[] {
  const name = `${lines.toLocaleString("en")} lines${isAscii ? " of ASCII" : ""}`;
  const pairs = (measure: (report: Report) => number): readonly Pair[] =>
    floors.flatMap((floor, index) => {
      const subject = subjects[index];
      return subject === undefined ? [] : [{ floor: measure(floor), subject: measure(subject) }];
    });
  const wrong = floors.find((report) => valueOf(report, "lines") !== lines);
  if (wrong !== undefined) throw new Error(`The floor read ${valueOf(wrong, "lines")} lines.`);
  const [first] = floors;
  const lineLength = first === undefined ? 0 : Math.round(valueOf(first, "lineLength"));
  return [
    pairedRow({
      name: `${name}: rate`,
      unit: "lines/s",
      kind: "ratio",
      pairs: pairs((report) => lines / (valueOf(report, "elapsedMs") / 1000)),
      atLeast: 0.7,
      note: `${lineLength} characters a line on average`,
    }),
    pairedRow({
      name: `${name}: rate by processor time`,
      unit: "lines/s",
      kind: "ratio",
      pairs: pairs((report) => lines / (valueOf(report, "processorMs") / 1000)),
    }),
    pairedRow({
      name: `${name}: peak memory`,
      unit: "MB",
      kind: "difference",
      pairs: pairs((report) => report.peakMemoryMb),
      atMost: 40,
    }),
  ];
}
