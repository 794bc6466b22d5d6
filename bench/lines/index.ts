import { pairedRow, type Pair, type Row } from "../kit/row.ts";
import { type Report, valueOf } from "../kit/report.ts";
import { runProgram } from "../kit/run-program.ts";

const lines = 100_000;
const runs = 7;

/** The library's line decoder with `JSON.parse`, against the package `ndjson` on the same bytes. */
export async function decodedLines(): Promise<readonly Row[]> {
  const pairs: Pair[] = [];
  for (let run = 0; run < runs; run += 1) {
    const rate = async (decoder: string): Promise<number> => {
      const options = { arguments: [decoder, String(lines)], timeoutMs: 60_000 };
      const measured: Report = await runProgram("lines", options);
      return valueOf(measured, "lines") / (valueOf(measured, "elapsedMs") / 1000);
    };
    pairs.push({ floor: await rate("ndjson"), subject: await rate("playpen") });
  }
  return [
    pairedRow({
      name: `${lines.toLocaleString("en")} lines: rate`,
      unit: "lines/s",
      kind: "ratio",
      pairs,
      note: "here the floor is the package ndjson",
    }),
  ];
}
