import { setImmediate as nextRound } from "node:timers/promises";
import { computesdk, type ComputesdkOptions } from "playpen/computesdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ComputeFault, type ComputeStandIn, startComputesdk } from "../../stand-ins/computesdk/index.ts";
import { describeRealAgent, machineLeftovers } from "./describe-real-agent.ts";

let standIn: ComputeStandIn;
beforeAll(() => {
  standIn = startComputesdk();
});
afterAll(() => standIn.stop());

const spec = { env: {}, labels: {} };
const provider = (options: Partial<ComputesdkOptions> = {}) =>
  computesdk({ compute: standIn.compute, ...options });

describe("what the vendor may answer", () => {
  const faults: readonly (readonly [string, ComputeFault, string])[] = [
    ["401", Object.assign(new Error("Unauthorized"), { status: 401 }), "provider_authentication_failed"],
    ["404", new Error("Request failed with status code 404"), "sandbox_create_failed"],
    ["409", new Error("HTTP 409: conflict"), "sandbox_create_failed"],
    ["500", new Error("Internal error 500"), "provider_failed"],
    ["no words at all", new Error(""), "provider_failed"],
    ["nothing", "silence", "provider_failed"],
  ];

  it.each(faults)("fails to create with a code for %s, and asks once", async (_name, fault, code) => {
    const before = standIn.creations;
    standIn.failNext(fault);
    await expect(provider({ requestTimeoutMs: 500 }).create(spec)).rejects.toMatchObject({ code });
    expect(standIn.creations).toBe(before + 1);
    expect(standIn.machines.size).toBe(0);
  });

  it("asks again when it was told that there were too many requests", async () => {
    const before = standIn.creations;
    standIn.failNext(new Error("429 Too Many Requests"), 2);
    const sandbox = await provider().create(spec);
    expect(standIn.creations).toBe(before + 3);
    expect(standIn.machines.size).toBe(1);
    await sandbox.destroy();
  });

  it("leaves nothing when it is aborted while it creates", async () => {
    const reason = new Error("no longer wanted");
    const abort = new AbortController();
    const created = provider().create(spec, { signal: abort.signal });
    created.catch(() => undefined);
    while (standIn.machines.size === 0) await nextRound();
    abort.abort(reason);
    await expect(created).rejects.toBe(reason);
    expect(standIn.machines.size).toBe(0);
  });

  it("ends a process with a code when its sandbox is gone", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({ argv: ["sleep", "300"] });
    await standIn.compute.sandbox.destroy(sandbox.id);
    const since = performance.now();
    await expect(process.exited).rejects.toMatchObject({ details: { id: sandbox.id } });
    expect(performance.now() - since).toBeLessThan(5000);
  });
});

describe("a sandbox", () => {
  it("ends when the vendor's time is over, which is the one asked for", async () => {
    await provider().create({ ...spec, ttlMs: 1500 });
    expect(standIn.machines.size).toBe(1);
    await expect.poll(() => standIn.machines.size, { timeout: 8000 }).toBe(0);
  });

  it("is found by its id by another provider, and nobody else's is", async () => {
    const first = await provider().create({ ...spec, labels: { kind: "ü = 1" } });
    const foreign = await standIn.compute.sandbox.create({});
    const second = await provider().connect(first.id, { env: { A: "1" } });
    expect([second.cwd, second.labels]).toEqual([first.cwd, { kind: "ü = 1" }]);
    await expect(provider().connect(foreign.sandboxId, { env: {} })).rejects.toMatchObject({
      code: "sandbox_not_found",
    });
    const listed: string[] = [];
    for await (const { id } of provider().list()) listed.push(id);
    expect(listed).toEqual([first.id]);
    await Promise.all([second.destroy(), foreign.destroy()]);
  });

  it("is given no variable as it is", async () => {
    const sandbox = await provider().create({ ...spec, env: { SECRET: "a 'quoted' secret" } });
    const from = standIn.variables.length;
    const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", 'printf %s "$SECRET"'], stdin: "ignore" });
    expect(await new Response(process.stdout).text()).toBe("a 'quoted' secret");
    for (const [name, value] of standIn.variables.slice(from)) {
      expect(name).toMatch(/^PLAYPEN_ENV_/);
      expect(value).toMatch(/^[A-Za-z0-9+/=]+$/);
    }
    await sandbox.destroy();
  });
});

describeRealAgent("a real agent", {
  provider,
  watch: ({ sandbox: { id } }) => {
    const machine = machineLeftovers(standIn.machines.get(id));
    return async () => [...standIn.machines.keys(), ...(await machine())];
  },
  cuts: [
    {
      when: "the connection is cut",
      goesOn: true,
      cut: () => {
        standIn.cutConnections();
      },
    },
    {
      when: "the service gets out of reach",
      cut: () => {
        standIn.isOutOfReach = true;
      },
      restore: () => {
        standIn.isOutOfReach = false;
      },
    },
  ],
});
