import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  Lease,
  leaseCommand,
  makeHomeFolderCommand,
  noFolderCode,
} from "../../../../src/kit/remote/lease.ts";
import type { Argv } from "../../../../src/kit/remote/launcher.ts";
import type { ShortRun } from "../../../../src/kit/remote/remote-machine.ts";

/** A sandbox that is a folder, with its main process. */
function sandbox(leaseMs: number) {
  const folder = mkdtempSync(join(tmpdir(), "lease-"));
  const env = { PATH: process.env["PATH"] ?? "", TMPDIR: folder, HOME: folder };
  const [program, ...args] = leaseCommand(leaseMs);
  const main: ChildProcess = spawn(program, args, { env, stdio: "ignore" });
  onTestFinished(() => {
    main.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  });
  const run = ([shell, ...words]: Argv): Promise<ShortRun> => {
    const { status, stdout, stderr } = spawnSync(shell, words, { env, encoding: "utf8" });
    return Promise.resolve({ code: status ?? 255, stdout, stderr });
  };
  const begun = () =>
    expect.poll(() => existsSync(join(folder, ".playpen-lease")), { timeout: 10_000 }).toBe(true);
  return { main, folder, run, begun, ended: once(main, "exit") };
}

describe("a lease", () => {
  it("ends the main process when its time is over, and leaves no file", async () => {
    const { main, folder, begun, ended } = sandbox(1000);
    await begun();
    await ended;
    expect(main.exitCode).toBe(0);
    expect(existsSync(join(folder, ".playpen-lease"))).toBe(false);
  });

  it("is put off by renewals, and never brought forward by one", async () => {
    const { main, run, begun, ended } = sandbox(1000);
    await begun();
    await new Lease(4000, run).renew();
    await new Lease(1000, run).renew();
    const since = performance.now();
    await ended;
    expect(main.exitCode).toBe(0);
    expect(performance.now() - since).toBeGreaterThan(2500);
  });

  it("has the time that it was let go for, whatever renewals come after that", async () => {
    const { run, begun, ended } = sandbox(60_000);
    await begun();
    const lease = new Lease(60_000, run);
    lease.begin();
    const letGo = lease.letGo(1000);
    await Promise.all([letGo, lease.renew()]);
    await ended;
  });

  it("says when there is no main process to take it, and goes on", async () => {
    const asked: Argv[] = [];
    const lease = new Lease(60_000, (argv) => {
      asked.push(argv);
      return Promise.resolve({ code: 2, stdout: "", stderr: "no lease" });
    });
    await expect(lease.letGo(1000)).rejects.toThrow("no lease");
    await lease.renew();
    lease.end();
    await lease.renew();
    expect(asked).toHaveLength(2);
  });
});

describe("the working directory", () => {
  it("is made in the home folder, or where it was asked for, or said to be impossible", async () => {
    const { folder, run, begun } = sandbox(60_000);
    await begun();
    expect(await run(makeHomeFolderCommand(undefined, undefined))).toMatchObject({
      code: 0,
      stdout: `${folder}/workspace`,
    });
    const own = `${folder}/a b/c`;
    expect(await run(makeHomeFolderCommand(own, undefined))).toMatchObject({ code: 0, stdout: own });
    expect(existsSync(own)).toBe(true);
    expect(await run(makeHomeFolderCommand("/proc/none", undefined))).toMatchObject({ code: noFolderCode });
  });
});
