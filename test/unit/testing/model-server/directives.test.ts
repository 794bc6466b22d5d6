import { describe, expect, it } from "vitest";
import { readDirectives, ScriptError } from "../../../../src/testing/model-server/index.ts";

describe("readDirectives", () => {
  it("reads every directive, in order, and no other line", () => {
    const prompt = [
      "Please help me. This is ! no directive",
      "!text Hello there",
      '!text "two\\nlines"',
      "  !think   Hm",
      "!repeat 3 la ",
      "!recall",
      "!shell ls -l | wc",
      '!also tool Read {"file_path":"/a"}',
      '!tool apply_patch "*** Begin Patch"',
      '!write a.txt "x\\ny"',
      "!ask Which? | Red | Blue",
      '!json {"ok":true}',
      "!status 401",
      "!status 429 times 2 retry-after 1.5 Slow down",
      "!status 500 Broken",
      "!hang",
      "!drop times 1",
      "!wait 5",
      "!slow 6",
      "!usage input=1 output=2 cacheRead=3 cacheWrite=4 reasoning=5",
      "!stop max_tokens",
    ].join("\r\n");
    expect(readDirectives(prompt)).toEqual([
      { type: "text", text: "Hello there" },
      { type: "text", text: "two\nlines" },
      { type: "think", text: "Hm" },
      { type: "text", text: "la", times: 3 },
      { type: "recall" },
      { type: "shell", command: "ls -l | wc" },
      { type: "tool", name: "Read", input: { file_path: "/a" }, together: true },
      { type: "tool", name: "apply_patch", input: "*** Begin Patch" },
      { type: "write", path: "a.txt", content: "x\ny" },
      { type: "ask", question: "Which?", options: ["Red", "Blue"] },
      { type: "json", value: { ok: true } },
      { type: "status", status: 401 },
      { type: "status", status: 429, times: 2, retryAfterSeconds: 1.5, message: "Slow down" },
      { type: "status", status: 500, message: "Broken" },
      { type: "hang" },
      { type: "drop", times: 1 },
      { type: "wait", durationMs: 5 },
      { type: "slow", delayMs: 6 },
      { type: "usage", usage: { input: 1, output: 2, cacheRead: 3, cacheWrite: 4, reasoning: 5 } },
      { type: "stop", reason: "max_tokens" },
    ]);
  });

  it("finds none in a plain prompt", () => {
    expect(readDirectives("Fix the test! Now!\n! text\n!= 3")).toEqual([]);
  });

  it.each([
    ["!txt a", "there are text, think"],
    ["!constructor", "there are text, think"],
    ["!also text a", '"text" calls no tool'],
    ["!tool", "name is missing"],
    ["!tool Read [1]", "JSON object or a JSON string"],
    ["!write", "path is missing"],
    ["!json 3", "JSON object is missing"],
    ["!repeat x a", '"x" is no whole number'],
    ["!status 200", "from 400 to 599"],
    ["!hang 3", "times N"],
    ["!slow -1", "no whole number"],
    ["!usage tokens=3", "the counts are"],
  ])("refuses %s", (line, message) => {
    expect(() => readDirectives(`first\n${line}`)).toThrow(ScriptError);
    expect(() => readDirectives(line)).toThrow(message);
    expect(() => readDirectives(line)).toThrow(JSON.stringify(line).slice(1, -1).replaceAll('\\"', '"'));
  });
});
