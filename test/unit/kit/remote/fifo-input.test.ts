import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { fifoStage, processFolder, removeFolderCommand } from "../../../../src/kit/remote/fifo-input.ts";
import type { Argv } from "../../../../src/kit/remote/launcher.ts";

async function output([program, ...args]: Argv): Promise<string> {
  return (await promisify(execFile)(program, args)).stdout;
}

describe("the stage that makes a standard input", () => {
  it("lets nobody else reach it, and leaves the program's mask for files as it was", async () => {
    const folder = processFolder(randomUUID());
    const tell: Argv = ["/bin/sh", "-c", 'umask; stat -c %a "$1"', "sh", folder];
    try {
      const mask = await output(["/bin/sh", "-c", "umask"]);
      expect(await output(fifoStage(folder, tell))).toBe(`${mask}700\n`);
    } finally {
      await output(removeFolderCommand(folder));
    }
  });
});
