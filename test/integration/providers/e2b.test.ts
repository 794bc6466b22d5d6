import { type E2bOptions, e2b } from "playpen/e2b";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { StandInE2b } from "../../stand-ins/e2b/index.ts";
import { describeOtherHost } from "./describe-other-host.ts";
import { brokenConnection, describeRealAgent, machineLeftovers, outage } from "./describe-real-agent.ts";
import { describeVendorFailures } from "./describe-vendor-failures.ts";

const cloud = new StandInE2b({ pageSize: 3 });
beforeAll(() => cloud.start());
afterAll(() => cloud.stop());
afterEach(() => {
  cloud.api.faults.clear();
  cloud.proxy.faults.clear();
});

const spec = { env: {}, labels: {} };
const provider = (options: E2bOptions = {}) => e2b({ ...cloud.options, ...options });

async function output(process: { readonly stdout: ReadableStream<Uint8Array> }): Promise<string> {
  return new Response(process.stdout).text();
}

describe("what the service may answer", () => {
  describeVendorFailures({
    server: () => cloud.api,
    provider: () => provider({ requestTimeoutMs: 2500 }),
    creation: { method: "POST", path: "/v2/sandboxes" },
    notFoundCode: "image_unavailable",
    count: () => cloud.ids.length,
    variables: ["E2B_API_KEY"],
    bare: () => e2b({ apiUrl: cloud.options.apiUrl, sandboxUrl: cloud.options.sandboxUrl }),
    credential: () => ({ E2B_API_KEY: cloud.apiKey }),
    at: (apiUrl) => provider({ apiUrl }),
  });

  it("names a template that is not there", async () => {
    await expect(provider({ template: "nothing" }).create(spec)).rejects.toMatchObject({
      code: "image_unavailable",
      details: { image: "nothing" },
    });
  });

  it("refuses times that the service refuses", async () => {
    const created = provider({ timeoutMs: 30 * 3_600_000 }).create(spec);
    await expect(created).rejects.toMatchObject({ code: "sandbox_create_failed" });
    expect(cloud.ids).toEqual([]);
  });

  it.each([
    [401, "provider_authentication_failed"],
    [429, "provider_rate_limited"],
    [500, "spawn_failed"],
  ])("starts no process when the daemon answers %i", async (status, code) => {
    const sandbox = await provider().create(spec);
    cloud.proxy.faults.nextStatus(status, { on: ({ path }) => path.endsWith("/Start") });
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code });
    await sandbox.destroy();
  });

  it("gives up a start that nobody answers", async () => {
    const sandbox = await provider({ requestTimeoutMs: 500 }).create(spec);
    cloud.proxy.faults.next({ kind: "silence" }, { on: ({ path }) => path.endsWith("/Start") });
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code: "spawn_failed" });
    await sandbox.destroy();
  });

  it("removes the sandbox when its working directory cannot be made", async () => {
    await expect(provider({ cwd: "/proc/none" }).create(spec)).rejects.toMatchObject({ code: "file_failed" });
    expect(cloud.ids).toEqual([]);
  });
});

describe("a process", () => {
  it("ends with the code of its sandbox when the connection is cut, and the sandbox goes on", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({ argv: ["sleep", "300"] });
    const since = performance.now();
    cloud.proxy.cutConnections();
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    expect(performance.now() - since).toBeLessThan(5000);
    const next = await sandbox.spawn({ argv: ["echo", "alive"], stdin: "ignore" });
    expect(await output(next)).toBe("alive\n");
    await sandbox.destroy();
  });

  it("has the exit code though its output waits for a reader", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", "head -c 400000 /dev/zero; exit 7"] });
    expect(await process.exited).toEqual({ code: 7, signal: null });
    expect((await output(process)).length).toBe(400_000);
    await sandbox.destroy();
  });
});

describe("the life of a sandbox", () => {
  it("ends at the time that was asked for, whoever uses it", async () => {
    const sandbox = await provider().create({ ...spec, ttlMs: 1000 });
    const process = await sandbox.spawn({ argv: ["sleep", "300"] });
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    expect(cloud.ids).not.toContain(sandbox.id);
    await sandbox.destroy();
  });

  it("is put off while a process runs, and ends some time after its last use", async () => {
    const sandbox = await provider({ timeoutMs: 3000 }).create(spec);
    const process = await sandbox.spawn({ argv: ["sleep", "4"] });
    expect(await process.exited).toMatchObject({ code: 0 });
    expect(cloud.ids).toContain(sandbox.id);
    await expect.poll(() => cloud.ids, { timeout: 8000, interval: 200 }).not.toContain(sandbox.id);
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code: "sandbox_lost" });
    await sandbox.destroy();
  });

  it("is nobody else's: others are neither listed nor connected to", async () => {
    const created = await fetch(`${cloud.api.url}/v2/sandboxes`, {
      method: "POST",
      headers: { "x-api-key": cloud.apiKey },
      body: JSON.stringify({ templateID: "base", timeout: 60 }),
    });
    const { sandboxID } = (await created.json()) as { sandboxID: string };
    for await (const { id } of provider().list()) expect(id).not.toBe(sandboxID);
    for (const id of [sandboxID, "../other", "unknown"]) {
      await expect(provider().connect(id, { env: {} })).rejects.toMatchObject({ code: "sandbox_not_found" });
    }
    await fetch(`${cloud.api.url}/sandboxes/${sandboxID}`, {
      method: "DELETE",
      headers: { "x-api-key": cloud.apiKey },
    });
  });

  it("is listed by its labels over several pages", async () => {
    const labels = { kind: "ü = 1 / 2 & more" };
    const made = await Promise.all(Array.from({ length: 7 }, () => provider({ labels }).create(spec)));
    const found: string[] = [];
    for await (const { id, running } of provider().list({ labels })) {
      expect(running).toBe(true);
      found.push(id);
    }
    expect(found.sort()).toEqual(made.map(({ id }) => id).sort());
    await Promise.all(made.map((sandbox) => sandbox.destroy()));
  });

  it("goes on at resume() with the processes of before, and is listed as not running meanwhile", async () => {
    const sandbox = await provider().create(spec);
    const script = "while :; do date +%s%N > now.new; mv now.new now; sleep 0.05; done";
    await sandbox.spawn({ argv: ["/bin/sh", "-c", `(${script}) >/dev/null 2>&1 & wait`] });
    await sandbox.pause();
    for await (const info of provider().list())
      expect(info).toMatchObject({ id: sandbox.id, running: false });
    await sandbox.resume();
    const before = await sandbox.files.readText("now");
    await expect.poll(() => sandbox.files.readText("now")).not.toBe(before);
    await sandbox.destroy();
  });

  it("has its network policy set in the vendor's words", async () => {
    const sandbox = await provider({ network: "deny-all" }).create(spec);
    expect(cloud.networkOf(sandbox.id)).toEqual({ denyOut: ["0.0.0.0/0"] });
    await sandbox.setNetworkPolicy({ allow: ["github.com", "*.npmjs.org"] });
    expect(cloud.networkOf(sandbox.id)).toEqual({
      allowOut: ["github.com", "*.npmjs.org"],
      denyOut: ["0.0.0.0/0"],
    });
    await sandbox.setNetworkPolicy("allow-all");
    expect(cloud.networkOf(sandbox.id)).toEqual({});
    await sandbox.destroy();
  });
});

describeOtherHost({
  name: "e2b",
  options: () => cloud.options,
  provider,
  packages: [{ name: "e2b", range: "^2.51.0", others: ["1.4.0"] }],
  count: () => cloud.ids.length,
});

describeRealAgent("a real agent in a sandbox of E2B", {
  provider,
  watch: ({ sandbox: { id } }) => {
    const machine = machineLeftovers(cloud.machine(id));
    return async () => [...cloud.ids, ...(await machine())];
  },
  cuts: [brokenConnection(() => cloud.proxy), outage(() => cloud.proxy)],
});
