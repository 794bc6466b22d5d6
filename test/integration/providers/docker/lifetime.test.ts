import { setTimeout as delay } from "node:timers/promises";
import { docker } from "playpen/docker";
import { expect, it } from "vitest";
import { describeWith } from "../../../image/engines.ts";
import { containerExists, createSandbox, labels, run, settings, startHost, waitUntil } from "./harness.ts";

/** A second, and what a busy machine adds to it. */
const soonMs = 4000;

async function gone(id: string, timeoutMs = soonMs): Promise<number> {
  return waitUntil("the container to be gone", async () => !(await containerExists(id)), timeoutMs);
}

describeWith(["docker", "test-image"], "the lifetime of a container", () => {
  it.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)("ends when the host dies by %s", async (signal) => {
    const host = await startHost({ then: "wait" });
    expect(await containerExists(host.id)).toBe(true);
    host.child.kill(signal);
    await host.exited;
    await gone(host.id);
  });

  it("ends with a host that has nothing more to do, and does not keep it waiting", async () => {
    const host = await startHost({ then: "leave" });
    expect(await host.exited).toEqual([0, null]);
    await gone(host.id);
  });

  it("keeps nothing in the host's event loop after destroy()", async () => {
    const host = await startHost({ then: "destroy" });
    const since = performance.now();
    expect(await host.exited).toEqual([0, null]);
    expect(performance.now() - since).toBeLessThan(2000);
    expect(await containerExists(host.id)).toBe(false);
  });

  it("goes on after detach() without the host, which another process can connect to", async () => {
    const host = await startHost({ then: "detach" });
    expect(await host.exited).toEqual([0, null]);
    const provider = docker(settings());
    const sandbox = await provider.connect(host.id, { env: { STAGE: "second" } });
    expect(sandbox.id).toBe(host.id);
    expect(sandbox.cwd).toBe("/workspace");
    expect(sandbox.labels).toMatchObject(labels);
    expect((await run(sandbox, 'echo "$STAGE"; pwd')).stdout).toBe("second\n/workspace\n");
    // By a part of its id too, as the docker command does.
    expect((await provider.connect(host.id.slice(0, 12), { env: {} })).id).toBe(host.id);
    await sandbox.destroy();
    expect(await containerExists(host.id)).toBe(false);
  });

  it("makes a working directory that is asked for when connecting", async () => {
    const sandbox = await createSandbox();
    const provider = docker(settings());
    const connected = await provider.connect(sandbox.id, { env: {}, cwd: "/srv/not there/yet" });
    expect((await run(connected, "pwd; : > file; ls")).stdout).toBe("/srv/not there/yet\nfile\n");
  });

  it("ends when the time is over that detach() gave it", async () => {
    const sandbox = await createSandbox();
    await sandbox.detach({ ttlMs: 2000 });
    expect(await gone(sandbox.id, 2000 + soonMs)).toBeGreaterThan(1500);
  });

  it("leaves the lifetime with the creator while others are connected", async () => {
    const sandbox = await createSandbox();
    const connected = await docker(settings()).connect(sandbox.id, { env: {} });
    await expect(connected.detach({ ttlMs: 1000 })).rejects.toMatchObject({ code: "unsupported" });
    expect((await run(sandbox, "echo alive")).stdout).toBe("alive\n");
  });

  it("takes less or more time from whoever connects to a detached sandbox", async () => {
    const [shorter, longer] = [await createSandbox(), await createSandbox()];
    await Promise.all([shorter.detach({ ttlMs: 600_000 }), longer.detach({ ttlMs: 4000 })]);
    const provider = docker(settings());
    const connect = (id: string) => provider.connect(id, { env: {} });
    await (await connect(longer.id)).detach({ ttlMs: 600_000 });
    await (await connect(shorter.id)).detach({ ttlMs: 60_000 });
    await (await connect(shorter.id)).detach({ ttlMs: 1000 });
    await gone(shorter.id, 1000 + soonMs);
    await delay(4500);
    expect(await containerExists(longer.id)).toBe(true);
  });

  it("does not end a detached sandbox with the handle that let go of it", async () => {
    const sandbox = await createSandbox();
    {
      await using inside = sandbox;
      await inside.detach({ ttlMs: 60_000 });
    }
    await sandbox.destroy();
    expect(await containerExists(sandbox.id)).toBe(true);
    await (await docker(settings()).connect(sandbox.id, { env: {} })).destroy();
    expect(await containerExists(sandbox.id)).toBe(false);
  });
});
