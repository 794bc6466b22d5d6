import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unifiedDiff } from "../../../../src/protocols/acp/unified-diff.ts";

describe("a unified diff", () => {
  it.each([
    ["a\n", "b\n", "@@ -1,1 +1,1 @@\n-a\n+b\n"],
    ["a\n", "a\nb\n", "@@ -1,1 +1,2 @@\n a\n+b\n"],
    ["a\nb\n", "b\n", "@@ -1,2 +1,1 @@\n-a\n b\n"],
    ["a", "a\n", "@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n"],
    ["1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nx\n6\n", "@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+x\n 6\n"],
    ["same\n", "same\n", ""],
  ])("of %j and %j", (before, after, hunk) => {
    expect(unifiedDiff("f", before, after)).toBe(`--- f\n+++ f\n${hunk}`);
  });

  it("of a file that is new, or gone", () => {
    expect(unifiedDiff("f", undefined, "a\nb\n")).toBe("--- /dev/null\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
    expect(unifiedDiff("f", "a\n", undefined)).toBe("--- f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n");
  });

  it("leads from the one text to the other", () => {
    const text = fc
      .tuple(
        fc.array(fc.constantFrom("a\n", "b\n", "\n", "c\n"), { maxLength: 12 }),
        fc.constantFrom("", "z"),
      )
      .map(([lines, end]) => lines.join("") + end);
    fc.assert(
      fc.property(text, text, (before, after) => {
        expect(applied(before, unifiedDiff("f", before, after))).toBe(after);
      }),
    );
  });
});

/** Applies a diff of at most one hunk, and checks that what it takes away or leaves is there. */
function applied(text: string, diff: string): string {
  const [, header = "", body = ""] = /^--- f\n\+\+\+ f\n(?:(@@[^\n]*)\n)?([^]*)$/.exec(diff) ?? [];
  if (header === "") return text;
  const [, start = "", count = ""] = /^@@ -(\d+),(\d+) /.exec(header) ?? [];
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const from = Number(count) === 0 ? Number(start) : Number(start) - 1;
  const side = (marks: string): string =>
    (body.match(/[-+ ][^\n]*\n(?:\\[^\n]*\n)?/g) ?? [])
      .filter((line) => marks.includes(line.charAt(0)))
      .map((line) => line.slice(1).replace(/\n\\[^\n]*\n$/, ""))
      .join("");
  expect(side("- ")).toBe(lines.slice(from, from + Number(count)).join(""));
  return lines.slice(0, from).join("") + side("+ ") + lines.slice(from + Number(count)).join("");
}
