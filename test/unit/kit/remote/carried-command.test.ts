import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { carriedLine, carrier } from "../../../../src/kit/remote/carried-command.ts";

const odd = ["", " ", "a'b", '"', "$HOME `id` $(id)", "line\nbreak\n", "\\n \\", "\r", "%s %b", "ü 🙂", "*"];

describe("a command that is the first line of standard input", () => {
  it("arrives with its arguments, and leaves the rest of the input alone", () => {
    const [shell, ...args] = carrier;
    const argv = ["/bin/sh", "-c", `printf '%s\\0' "$@"; cat`, "sh", ...odd] as const;
    const { stdout } = spawnSync(shell, args, { input: `${carriedLine(argv)}rest\nof it` });
    expect(stdout.toString().split("\0")).toEqual([...odd, "rest\nof it"]);
  });

  it("is one line", () => {
    expect(carriedLine(["printf", ...odd]).split("\n")).toHaveLength(2);
  });

  it("does not run where the input ends before", () => {
    const [shell, ...args] = carrier;
    expect(spawnSync(shell, args, { input: "exec echo no" }).status).toBe(125);
  });
});
