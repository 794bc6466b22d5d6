import { type DaytonaOptions, daytona } from "playpen/daytona";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { StandInDaytona } from "../../stand-ins/daytona/index.ts";
import { describeOtherHost } from "./describe-other-host.ts";
import { brokenConnection, describeRealAgent, machineLeftovers, outage } from "./describe-real-agent.ts";
import { describeVendorFailures } from "./describe-vendor-failures.ts";

const cloud = new StandInDaytona({ pageSize: 3 });
beforeAll(() => cloud.start());
afterAll(() => cloud.stop());
afterEach(() => {
  cloud.api.faults.clear();
  cloud.toolbox.faults.clear();
});

const spec = { env: {}, labels: {} };
const provider = (options: DaytonaOptions = {}) => daytona({ ...cloud.options, ...options });

async function output(process: { readonly stdout: ReadableStream<Uint8Array> }): Promise<string> {
  return new Response(process.stdout).text();
}

describe("what the service may answer", () => {
  describeVendorFailures({
    server: () => cloud.api,
    provider: () => provider({ requestTimeoutMs: 2000, createTimeoutMs: 900 }),
    creation: { method: "POST", path: "/sandbox" },
    count: () => cloud.ids.length,
    variables: ["DAYTONA_API_KEY"],
    bare: () => daytona({ apiUrl: cloud.options.apiUrl }),
    credential: () => ({ DAYTONA_API_KEY: cloud.apiKey }),
    at: (apiUrl) => provider({ apiUrl }),
  });

  it("names a template that is not there", async () => {
    await expect(provider({ template: "nothing" }).create(spec)).rejects.toMatchObject({
      code: "image_unavailable",
      details: { image: "nothing" },
    });
  });

  it("refuses sizes that the service refuses", async () => {
    const created = provider({ image: "node:22", cpus: 64 }).create(spec);
    await expect(created).rejects.toThrow("exceeds maximum");
    expect(cloud.ids).toEqual([]);
  });

  it("removes the sandbox when its working directory cannot be made", async () => {
    await expect(provider({ cwd: "/proc/none" }).create(spec)).rejects.toMatchObject({ code: "file_failed" });
    expect(cloud.ids).toEqual([]);
  });
});

describe("a process", () => {
  it("goes on, and loses nothing, when connections are cut for a moment", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({
      argv: ["/bin/sh", "-c", "echo one; sleep 1; echo two; sleep 1; echo three"],
      stdin: "ignore",
    });
    const said = output(process);
    cloud.toolbox.cutConnections();
    expect(await said).toBe("one\ntwo\nthree\n");
    expect(await process.exited).toEqual({ code: 0, signal: null });
    await sandbox.destroy();
  });

  it("ends with the code of its sandbox when the service does not come back", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({ argv: ["sleep", "300"] });
    const since = performance.now();
    cloud.toolbox.faults.next({ kind: "cut" }, { times: 1000 });
    cloud.toolbox.cutConnections();
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    expect(performance.now() - since).toBeLessThan(5000);
    cloud.toolbox.faults.clear();
    await sandbox.destroy();
  });
});

describe("a sandbox", () => {
  it("runs the same where the daemon cuts commands into words", async () => {
    const old = await new StandInDaytona({ commands: "words" }).start();
    const sandbox = await provider(old.options).create(spec);
    const argv = ["/bin/sh", "-c", 'printf "%s|" "$@"', "sh", "it's", "", 'a "b"\n$(c)\\'] as const;
    const process = await sandbox.spawn({ argv, stdin: "ignore" });
    expect(await output(process)).toBe('it\'s||a "b"\n$(c)\\|');
    await sandbox.destroy();
    await old.stop();
  });

  it("is put off while a process runs, and removed some time after its last use", async () => {
    const quick = await new StandInDaytona({ minuteMs: 3000 }).start();
    const sandbox = await provider({ ...quick.options, timeoutMs: 5000 }).create(spec);
    const process = await sandbox.spawn({ argv: ["sleep", "5"], stdin: "ignore" });
    expect(await process.exited).toMatchObject({ code: 0 });
    expect(quick.ids).toEqual([sandbox.id]);
    await expect.poll(() => quick.ids, { timeout: 15_000, interval: 200 }).toEqual([]);
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code: "sandbox_lost" });
    await sandbox.destroy();
    await quick.stop();
  });

  it("is not let go of where its label cannot have the new end", async () => {
    const sandbox = await provider().create(spec);
    cloud.api.faults.nextStatus(400, { on: ({ path }) => path.endsWith("/labels") });
    await expect(sandbox.detach({ ttlMs: 60_000 })).rejects.toMatchObject({ code: "provider_failed" });
    await sandbox.files.write("file", "text");
    expect(await sandbox.files.readText("file")).toBe("text");
    await sandbox.destroy();
    expect(cloud.ids).toEqual([]);
  });

  it("is listed by its labels over several pages", async () => {
    const labels = { kind: "ü = 1 / 2 & more" };
    const made = await Promise.all(Array.from({ length: 5 }, () => provider({ labels }).create(spec)));
    const found: string[] = [];
    for await (const { id } of provider().list({ labels })) found.push(id);
    expect(found.sort()).toEqual(made.map(({ id }) => id).sort());
    await Promise.all(made.map((sandbox) => sandbox.destroy()));
  });

  it("has its network policy set in the vendor's words", async () => {
    const sandbox = await provider().create(spec);
    await sandbox.setNetworkPolicy({ allow: ["github.com", "10.0.0.1"] });
    expect(cloud.networkOf(sandbox.id)).toEqual({
      networkBlockAll: false,
      networkAllowList: "10.0.0.1/32",
      domainAllowList: "github.com",
    });
    await sandbox.destroy();
  });
});

describeOtherHost({
  name: "daytona",
  options: () => cloud.options,
  provider,
  packages: [{ name: "@daytonaio/sdk", range: "^0.218.0", others: ["0.1.0"] }],
  count: () => cloud.ids.length,
});

describeRealAgent("a real agent in a sandbox of Daytona", {
  provider,
  watch: ({ sandbox: { id } }) => {
    const machine = machineLeftovers(cloud.machine(id));
    return async () => [...cloud.ids, ...(await machine())];
  },
  cuts: [brokenConnection(() => cloud.toolbox, { goesOn: true }), outage(() => cloud.toolbox)],
});
