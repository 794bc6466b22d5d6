import { describe, expect, it } from "vitest";
import { ExitNoteFilter } from "../../../../providers/e2b/exit-note.ts";
import { exitOfProcess } from "../../../../providers/e2b/process-exit.ts";

function filtered(chunks: readonly string[]): { readonly text: string; readonly codes: readonly number[] } {
  const codes: number[] = [];
  const filter = new ExitNoteFilter("id", (code) => codes.push(code));
  const parts = chunks.map((chunk) => filter.push(Buffer.from(chunk, "latin1")));
  return { text: Buffer.concat([...parts, filter.end()]).toString("latin1"), codes };
}

const note = "\u0016playpen id 143\u0016\n";

describe("ExitNoteFilter", () => {
  it("takes the note out wherever it is cut, and leaves the rest", () => {
    const whole = `before\n${note}after\u0016`;
    for (let at = 0; at <= whole.length; at++) {
      expect(filtered([whole.slice(0, at), whole.slice(at)])).toEqual({
        text: "before\nafter\u0016",
        codes: [143],
      });
    }
    expect(filtered(Array.from(whole))).toEqual({ text: "before\nafter\u0016", codes: [143] });
  });

  it.each([
    "\u0016playpen other 1\u0016\n",
    "\u0016playpen id ",
    "\u0016playpen id 12345678\u0016\n",
    "\u0016",
  ])("leaves what only looks like one: %j", (text) => {
    expect(filtered([text, "end"])).toEqual({ text: `${text}end`, codes: [] });
    expect(filtered(Array.from(text))).toEqual({ text, codes: [] });
  });
});

describe("exitOfProcess", () => {
  it.each([
    [
      { exitCode: 3, exited: true, status: "exit status 3" },
      { code: 3, signal: null },
    ],
    [
      { exitCode: -1, exited: false, status: "signal: killed" },
      { code: null, signal: "SIGKILL" },
    ],
    [
      { exitCode: -1, exited: false, status: "signal: aborted (core dumped)" },
      { code: null, signal: "SIGABRT" },
    ],
    [
      { exitCode: 143, exited: false, status: "terminated" },
      { code: null, signal: "SIGTERM" },
    ],
    [
      { exitCode: -1, exited: false, status: "wait4 error" },
      { code: 255, signal: null },
    ],
  ])("reads %j", (end, exit) => {
    expect(exitOfProcess(end)).toEqual(exit);
  });
});
