import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asRoot, carriedLine, carrier } from "../../../../providers/sprites/carried-command.ts";

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

describe("a command for root", () => {
  it("is run by sudo, which asks for no password, unless it is root already", () => {
    const folder = mkdtempSync(join(tmpdir(), "sprites-sudo-"));
    const fake = (name: string, script: string): void => {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    };
    fake("sudo", 'printf "sudo:%s\\n" "$*"');
    const run = (): string => {
      const [shell, ...args] = asRoot(["echo", "two words"]);
      const env = { PATH: `${folder}:/usr/bin:/bin` };
      return spawnSync(shell, args, { env, encoding: "utf8" }).stdout;
    };
    fake("id", "echo 1000");
    expect(run()).toBe("sudo:-n -- echo two words\n");
    fake("id", "echo 0");
    expect(run()).toBe("two words\n");
    rmSync(folder, { recursive: true });
  });
});
