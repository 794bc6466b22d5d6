import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { local } from "../../../../providers/local/index.ts";
import { exists, HostPrograms, markedOnHost, run, waitUntil } from "./harness.ts";

let hosts: HostPrograms;
let root: string;

beforeAll(async () => {
  hosts = await HostPrograms.compile();
  root = await mkdtemp(join(homedir(), ".local-root-"));
});

afterAll(async () => {
  await hosts.dispose();
  await rm(root, { recursive: true, force: true });
});

const tree = "sleep 300 & setsid sleep 300 & setsid sh -c 'sleep 300 & wait' & echo ready; sleep 300";
const storm =
  "echo ready; n=0; while [ $n -lt 400 ]; do sleep 300 & setsid sleep 300 & n=$((n + 1)); done; wait";

describe.each(["bubblewrap", "none"] as const)("host programs, isolation %s", (isolation) => {
  it("leave nothing within a second when they are killed", async () => {
    const host = await hosts.start({ options: { isolation, root }, script: tree, then: "wait" });
    await waitUntil("the tree to grow", async () => (await markedOnHost(host.mark)).length >= 5);
    host.child.kill("SIGKILL");
    await once(host.child, "exit");
    const tookMs = await waitUntil(
      "processes and folder to go",
      async () => (await markedOnHost(host.mark)).length === 0 && !(await exists(join(root, host.id))),
    );
    expect(tookMs).toBeLessThan(1000);
  });

  it("leave nothing when they are killed while a process forks on and on", async () => {
    const host = await hosts.start({ options: { isolation, root }, script: storm, then: "wait" });
    host.child.kill("SIGKILL");
    await waitUntil(
      "processes and folder to go",
      async () => (await markedOnHost(host.mark)).length === 0 && !(await exists(join(root, host.id))),
    );
    expect(await markedOnHost(host.mark)).toEqual([]);
  });

  it("leave a workspace of the user's as it is when they are killed", async () => {
    const workspace = await mkdtemp(join(homedir(), ".local-workspace-"));
    try {
      await writeFile(join(workspace, "mine"), "text");
      const script = ": > made; echo ready; sleep 300";
      const host = await hosts.start({ options: { isolation, root, workspace }, script, then: "wait" });
      expect(host.cwd).toBe(workspace);
      host.child.kill("SIGKILL");
      await waitUntil("the folder to go", async () => !(await exists(join(root, host.id))));
      expect((await readdir(workspace)).sort()).toEqual(["made", "mine"]);
    } finally {
      await rm(workspace, { recursive: true });
    }
  });

  it("leave nothing when they exit without a word", async () => {
    const host = await hosts.start({ options: { isolation, root }, script: tree, then: "leave" });
    await waitUntil(
      "processes and folder to go",
      async () => (await markedOnHost(host.mark)).length === 0 && !(await exists(join(root, host.id))),
    );
    expect(await exists(join(root, host.id))).toBe(false);
  });

  it("exit by themselves after destroy(), with nothing left", async () => {
    const host = await hosts.start({ options: { isolation, root }, script: tree, then: "destroy" });
    await waitUntil("the exit", async () => Promise.resolve(host.child.exitCode !== null), 5000);
    expect(host.child.exitCode).toBe(0);
    expect(await markedOnHost(host.mark)).toEqual([]);
    expect(await markedOnHost(host.id)).toEqual([]);
    expect(await exists(join(root, host.id))).toBe(false);
  });

  it("exit by themselves after detach(), and others take the sandbox over with its processes", async () => {
    const host = await hosts.start({ options: { isolation, root }, script: tree, then: "detach" });
    await waitUntil("the exit", async () => Promise.resolve(host.child.exitCode !== null), 5000);
    const provider = local({ isolation, root });
    const found: string[] = [];
    for await (const info of provider.list({ labels: { mark: host.mark } })) found.push(info.id);
    expect(found).toEqual([host.id]);
    const sandbox = await provider.connect(host.id, { env: {} });
    await waitUntil("the tree to grow", async () => (await markedOnHost(host.mark)).length >= 5);
    expect((await run(sandbox, "pwd")).stdout).toBe(`${host.cwd}\n`);
    await sandbox.destroy();
    expect(await markedOnHost(host.mark)).toEqual([]);
    expect(await exists(join(root, host.id))).toBe(false);
    await expect(provider.connect(host.id, { env: {} })).rejects.toMatchObject({ code: "sandbox_not_found" });
  });

  it("can give a detached sandbox less time, or more, from another process", async () => {
    const host = await hosts.start({ options: { isolation, root }, script: tree, then: "detach" });
    const sandbox = await local({ isolation, root }).connect(host.id, { env: {} });
    await sandbox.detach({ ttlMs: 500 });
    const tookMs = await waitUntil(
      "processes and folder to go",
      async () => (await markedOnHost(host.mark)).length === 0 && !(await exists(join(root, host.id))),
    );
    expect(tookMs).toBeGreaterThan(100);
  });
});

describe("connect()", () => {
  it("does not take a sandbox without isolation for one with it, nor the other way round", async () => {
    const sandbox = await local({ isolation: "none", root }).create({ env: {}, labels: {} });
    try {
      const connected = local({ root }).connect(sandbox.id, { env: {} });
      await expect(connected).rejects.toMatchObject({ code: "sandbox_not_found" });
    } finally {
      await sandbox.destroy();
    }
  });

  it("leaves the end of a sandbox to the host process that holds it", async () => {
    const provider = local({ isolation: "none", root });
    await using sandbox = await provider.create({ env: {}, labels: {} });
    const connected = await provider.connect(sandbox.id, { env: {} });
    await expect(connected.detach({ ttlMs: 1000 })).rejects.toMatchObject({ code: "unsupported" });
    expect((await run(sandbox, "echo alive")).stdout).toBe("alive\n");
  });
});
