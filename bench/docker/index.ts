import { pairedRow, type Row } from "../kit/row.ts";
import { seriesOf } from "../kit/report.ts";
import { runProgram } from "../kit/run-program.ts";

/** Containers through the library against the engine's bare client. */
export async function containers(): Promise<readonly Row[]> {
  const measured = await runProgram("containers", { arguments: ["20"], timeoutMs: 180_000 });
  const row = (name: string, floor: string, subject: string): Row => {
    const subjects = seriesOf(measured, subject);
    return pairedRow({
      name,
      unit: "ms",
      kind: "difference",
      pairs: seriesOf(measured, floor).map((value, index) => ({
        floor: value,
        subject: subjects[index] ?? NaN,
      })),
      atMost: 15,
    });
  };
  return [
    row("start() against create and start", "floorStart", "subjectStart"),
    row("destroy() against forced removal", "floorEnd", "subjectEnd"),
    row("both: processor time of the host program", "floorProcessor", "subjectProcessor"),
  ];
}
