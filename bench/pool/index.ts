import { pairedRow, type Row } from "../kit/row.ts";
import { seriesOf } from "../kit/report.ts";
import { runProgram } from "../kit/run-program.ts";

/** A sandbox with a running agent from a pool against one that is started when it is asked for. */
export async function pool(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const place of ["local", "docker"]) {
    const measured = await runProgram("pool-takes", { arguments: [place, "20"], timeoutMs: 300_000 });
    const row = (name: string, floor: string, subject: string, target: { atMost?: number }): Row => {
      const subjects = seriesOf(measured, subject);
      return pairedRow({
        name,
        unit: "ms",
        kind: "ratio",
        pairs: seriesOf(measured, floor).map((value, index) => ({
          floor: value,
          subject: subjects[index] ?? NaN,
        })),
        ...target,
      });
    };
    rows.push(
      row(`${place}: take() against start() and createSession()`, "cold", "warm", { atMost: 0.02 }),
      row(`${place}: processor time of the host program meanwhile`, "coldProcessor", "warmProcessor", {}),
    );
  }
  return rows;
}
