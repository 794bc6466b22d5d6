import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { FileCopies } from "../../stand-ins/kit/file-copies.ts";
import { StandInMachine } from "../../stand-ins/kit/machines.ts";

const machines: StandInMachine[] = [];
async function create(options: Parameters<typeof StandInMachine.create>[0] = {}): Promise<StandInMachine> {
  const machine = await StandInMachine.create(options);
  machines.push(machine);
  return machine;
}
afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.destroy();
});

describe("StandInMachine", () => {
  it("gives processes its own environment and none of this process", async () => {
    const machine = await create({ env: { VENDOR: "yes" } });
    const { stdout, code } = await machine.run(["/bin/sh", "-c", "pwd; env"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`HOME=${machine.folder}\n`);
    expect(stdout).toContain("VENDOR=yes\n");
    expect(stdout).not.toContain("VITEST");
    expect(stdout.split("\n")[0]).toBe(machine.folder);
  });

  it("ends every process and removes the folder", async () => {
    const machine = await create();
    const escaped = ["/bin/sh", "-c", "setsid sleep 300 & setsid sleep 300 & echo up; wait"] as const;
    const { stdout, exited } = await machine.spawn({ argv: escaped });
    await once(stdout, "data");
    await expect.poll(async () => (await machine.processes()).length).toBeGreaterThanOrEqual(3);
    await machine.destroy();
    expect(await exited).toEqual({ code: null, signal: "SIGKILL" });
    expect(await machine.processes()).toEqual([]);
    expect(existsSync(machine.folder)).toBe(false);
    await expect(machine.run(["true"])).rejects.toThrow("gone");
  });

  it("ends when its time to live is over", async () => {
    const machine = await create();
    const { exited } = await machine.spawn({ argv: ["sleep", "300"] });
    machine.setTimeToLive(20);
    expect((await exited).signal).toBe("SIGKILL");
  });

  it("rejects where a program is not there", async () => {
    await expect((await create()).spawn({ argv: ["/no/such/program"] })).rejects.toThrow("ENOENT");
  });

  it("begins with a copy of another one's files", async () => {
    const first = await create();
    await writeFile(join(first.folder, "a.txt"), "kept");
    const copies = new FileCopies();
    const second = await create({ files: await copies.make(first.folder) });
    await copies.stop();
    expect((await second.run(["cat", "a.txt"])).stdout).toBe("kept");
  });

  it("has terminals that can be resized", async () => {
    const machine = await create();
    const script = "trap 'stty size; exit 7' WINCH; stty size; while :; do sleep 0.1; done";
    const terminal = await machine.terminal({ argv: ["/bin/sh", "-c", script], columns: 100, rows: 30 });
    let seen = "";
    const said = (words: string): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (seen.includes(words)) resolve();
        };
        terminal.stdout.on("data", (chunk: Buffer) => {
          seen += chunk.toString();
          look();
        });
        look();
      });
    await said("30 100");
    await terminal.resize({ columns: 120, rows: 40 });
    await said("40 120");
    expect((await terminal.exited).code).toBe(7);
  });
});
