import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startScript } from "../../../../backends/opencode/start-script.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "playpen-opencode-"));
  await writeFile(join(folder, "start.sh"), startScript);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Starts a shell as the CLI, which notes its number; resolves with what it prints when it has ended. */
function started(number: number, script: string): Promise<string> {
  const command = `echo begin ${String(number)} >>"$0/log"; ${script}; echo end ${String(number)} >>"$0/log"`;
  const data = join(folder, "data");
  const child = spawn("sh", [join(folder, "start.sh"), data, "sh", "-c", command, folder, "an argument"]);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve(output));
  });
}

async function log(): Promise<readonly string[]> {
  return (await readFile(join(folder, "log"), "utf8")).trim().split("\n");
}

/** What the plugin does, as soon as the database is there. */
const becomesReady = 'sleep 0.3; echo ready >>"$0/log"; : >"$0/data/ready"';

describe("the start script", () => {
  it("becomes the CLI, with its arguments", async () => {
    expect(await started(1, 'echo "$1"')).toBe("an argument\n");
  });

  it("lets one process make the database, and the others wait for it", async () => {
    await Promise.all([1, 2, 3, 4].map((number) => started(number, becomesReady)));
    const told = await log();
    const first = told[0]?.replace("begin ", "");
    // None has begun before the first one was ready.
    expect(told.slice(0, 2)).toEqual([`begin ${String(first)}`, "ready"]);
    expect(told.filter((line) => line.startsWith("end"))).toHaveLength(4);
    expect(await readdir(join(folder, "data"))).toEqual(["first-0", "ready"]);
  });

  it("waits for none that has died before it was ready", async () => {
    await started(1, "true");
    await Promise.all([2, 3].map((number) => started(number, becomesReady)));
    expect((await log()).slice(0, 2)).toEqual(["begin 1", "end 1"]);
    expect((await log())[3]).toBe("ready");
    expect(await readdir(join(folder, "data"))).toEqual(["first-0", "first-1", "ready"]);
  });

  it("waits for none where the database is there", async () => {
    await started(1, becomesReady);
    await Promise.all([2, 3].map((number) => started(number, "true")));
    expect(await log()).toHaveLength(7);
  });
});
