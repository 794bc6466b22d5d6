import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { ExitReportFilter, exitReportStage } from "../../../../providers/kubernetes/exit-report.ts";

/** What is left of the chunks, and the code that was in them. */
function filtered(
  id: string,
  chunks: readonly Uint8Array[],
): { readonly text: string; readonly code?: number } {
  const filter = new ExitReportFilter(id);
  const parts = chunks.map((chunk) => Buffer.from(filter.push(chunk)));
  const text = Buffer.concat([...parts, Buffer.from(filter.end())]).toString();
  return { text, ...(filter.code === undefined ? {} : { code: filter.code }) };
}

const report = (code: number): string => `\u0016playpen-exit id ${code}\u0016\n`;

describe("the report of an exit", () => {
  it.each([0, 3, 137])("is found wherever the chunks are cut, with code %i", (code) => {
    const bytes = Buffer.from(`\u0016an error\n${report(code)}later \u0016`);
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const chunks = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
        expect(filtered("id", chunks)).toEqual({ text: "\u0016an error\nlater \u0016", code });
      }
    }
  });

  it.each([
    "\u0016playpen-exit other 1\u0016\n",
    "\u0016playpen-exit id \u0016\n",
    "\u0016playpen-exit id 1234\u0016\n",
    "\u0016playpen-exit id 1",
    "\u0016play\u0016playpen-exit id x",
  ])("is not taken for what it is not: %j", (text) => {
    const chunks = [...Buffer.from(text)].map((byte) => Uint8Array.of(byte));
    expect(filtered("id", chunks)).toEqual({ text });
  });

  it.each([
    ["exit 7", 7],
    ["kill -s KILL $$", 137],
    ["kill -s TERM $$", 143],
  ])("is written by the stage: %s", (script, code) => {
    const [shell, ...args] = exitReportStage("id", ["/bin/sh", "-c", `echo error >&2; ${script}`]);
    const { status, stderr, stdout } = spawnSync(shell, args);
    expect(status).toBe(code);
    expect(stdout.toString()).toBe("");
    expect(filtered("id", [stderr])).toEqual({ text: "error\n", code });
  });
});
