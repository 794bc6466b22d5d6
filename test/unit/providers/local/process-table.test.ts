import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { findMarked, readProcess } from "../../../../providers/local/process-table.ts";
import { signalMarked } from "../../../../providers/local/signal-tree.ts";

const children: ChildProcess[] = [];

afterEach(() => {
  for (const { pid } of children.splice(0)) if (pid !== undefined) process.kill(-pid, "SIGKILL");
});

async function startShell(script: string, mark: string): Promise<number> {
  const child = spawn("/bin/sh", ["-c", script], {
    env: { PATH: process.env["PATH"] ?? "", MARK: mark },
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  children.push(child);
  return child.pid ?? 0;
}

describe("findMarked", () => {
  it("knows a process by pid and start time", () => {
    const own = readProcess(process.pid);
    expect(own?.parent).toBe(process.ppid);
    expect(Number(own?.startTime)).toBeGreaterThan(0);
    expect(readProcess(2 ** 30)).toBeUndefined();
  });

  it("takes the whole value of the variable for the mark", async () => {
    const pid = await startShell("echo ready; sleep 60; :", "mark-1");
    const pidsOf = async (marker: string) => (await findMarked(marker)).map((entry) => entry.pid);
    expect(await pidsOf("MARK=mark-1")).toContain(pid);
    expect(await pidsOf("MARK=mark-1")).toHaveLength(2);
    expect(await pidsOf("MARK=mark")).toEqual([]);
    expect(await pidsOf("ARK=mark-1")).toEqual([]);
  });

  it("finds a child that has dropped the variable, and what that one starts", async () => {
    await startShell(`env -i PATH="$PATH" sh -c 'sleep 60 & echo ready; wait' & wait`, "mark-2");
    const commands = await findMarked("MARK=mark-2");
    expect(commands).toHaveLength(3);
    await signalMarked("MARK=mark-2", "SIGKILL");
    children.pop();
    expect(await findMarked("MARK=mark-2")).toEqual([]);
  });

  it("never signals the host's own process group", async () => {
    const child = spawn("/bin/sleep", ["60"], { env: { MARK: "mark-3" }, stdio: "ignore" });
    const exited = once(child, "exit");
    await once(child, "spawn");
    expect(readProcess(child.pid ?? 0)?.group).toBe(readProcess(process.pid)?.group);
    await signalMarked("MARK=mark-3", "SIGTERM");
    expect(await exited).toEqual([null, "SIGTERM"]);
  });
});
