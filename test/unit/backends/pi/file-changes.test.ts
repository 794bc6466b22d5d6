import { describe, expect, it } from "vitest";
import { fileChange } from "../../../../backends/pi/file-changes.ts";

describe("the change of a file", () => {
  it("is an addition with all its lines", () => {
    expect(fileChange("write", { path: "./a.txt", content: "one\ntwo" }, { isNew: true }, "c", "/w")).toEqual(
      {
        type: "file.changed",
        path: "/w/a.txt",
        change: "added",
        toolCallId: "c",
        diff: "--- /dev/null\n+++ /w/a.txt\n@@ -0,0 +1,2 @@\n+one\n+two\n\\ No newline at end of file\n",
      },
    );
  });

  it("of a file that was there tells no diff, since what it held is not known", () => {
    expect(fileChange("write", { path: "/a", content: "x" }, undefined, "c", "/w")).toEqual({
      type: "file.changed",
      path: "/a",
      change: "modified",
      toolCallId: "c",
    });
  });

  it("is a unified diff, made of Pi's numbered lines", () => {
    const diff = [" 1 a", "-2 b", "+2 B", "+3 C", " 3 d", "   ...", " 9 e", "-10 ", " 11 f"].join("\n");
    const change = fileChange("edit", { path: "/a" }, { diff }, "c", "/w");
    expect(change?.diff).toBe(
      [
        "--- /a",
        "+++ /a",
        "@@ -1,3 +1,4 @@",
        " a",
        "-b",
        "+B",
        "+C",
        " d",
        "@@ -9,3 +10,2 @@",
        " e",
        "-",
        " f",
        "",
      ].join("\n"),
    );
  });

  it("counts from the line before where one side has none", () => {
    const change = fileChange("edit", { path: "/a" }, { diff: "+1 first" }, "c", "/w");
    expect(change?.diff).toContain("@@ -0,0 +1,1 @@");
  });

  it("is none for other tools, and for a call without a path", () => {
    expect(fileChange("bash", { path: "/a" }, undefined, "c", "/w")).toBeUndefined();
    expect(fileChange("write", {}, undefined, "c", "/w")).toBeUndefined();
  });
});
