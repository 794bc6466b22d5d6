import { seriesOf } from "../kit/report.ts";
import { pairedRow, type Row } from "../kit/row.ts";
import { runProgram } from "../kit/run-program.ts";
import { placeNames, steps } from "./names.ts";

const rounds = 10;
const timeoutMs = 180_000;

/** What each provider adds to its vendor's bare client, for a sandbox that runs one `echo`. */
export async function providers(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const place of placeNames) {
    const measured = await runProgram("provider-steps", { arguments: [place, String(rounds)], timeoutMs });
    for (const step of steps) {
      const subjects = seriesOf(measured, `subject ${step}`);
      rows.push(
        pairedRow({
          name: `${place}: ${step}`,
          unit: "ms",
          kind: "difference",
          pairs: seriesOf(measured, `floor ${step}`).map((floor, index) => ({
            floor,
            subject: subjects[index] ?? NaN,
          })),
        }),
      );
    }
  }
  return rows;
}
