import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asRoot } from "../../../../providers/sprites/as-root.ts";

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
