import { SandboxAgentError } from "playpen";
import { type FlyOptions, fly } from "playpen/fly";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type FlyStandIn, startFly } from "../../stand-ins/fly/index.ts";
import { describeOtherHost } from "./describe-other-host.ts";
import { brokenConnection, cloudLeftovers, describeRealAgent, outage } from "./describe-real-agent.ts";
import { describeVendorFailures } from "./describe-vendor-failures.ts";

let standIn: FlyStandIn;
beforeAll(async () => {
  standIn = await startFly();
});
afterAll(() => standIn.stop());
afterEach(() => {
  standIn.server.faults.clear();
});

const spec = { env: {}, labels: {} };
const provider = (options: Partial<FlyOptions> = {}) =>
  fly({ baseUrl: standIn.url, token: standIn.token, app: standIn.app, ...options });
const isExec = ({ path }: { readonly path: string }): boolean => path.endsWith("/exec");

describe("what the service may answer", () => {
  describeVendorFailures({
    server: () => standIn.server,
    provider: () => provider({ requestTimeoutMs: 700 }),
    creation: { method: "POST", path: "/v1/apps/stand-in-app/machines" },
    count: () => standIn.machines.size,
    variables: ["FLY_API_TOKEN"],
    bare: () => fly({ baseUrl: standIn.url, app: standIn.app }),
    credential: () => ({ FLY_API_TOKEN: standIn.token }),
    at: (baseUrl) => provider({ baseUrl }),
  });

  it("says which image cannot be had, and which size", async () => {
    const none = provider({ image: "no-such-image" }).create(spec);
    await expect(none).rejects.toMatchObject({
      code: "image_unavailable",
      details: { image: "no-such-image" },
    });
    const large = provider({ cpus: 3 }).create(spec);
    await expect(large).rejects.toMatchObject({ code: "sandbox_create_failed" });
    expect(standIn.machines.size).toBe(0);
  });

  it("removes the machine whose making it does not hear of", async () => {
    standIn.losesAnswers = true;
    const created = provider().create(spec);
    await expect(created).rejects.toMatchObject({ code: "provider_failed" });
    standIn.losesAnswers = false;
    expect(standIn.server.count("DELETE", /machines/)).toBeGreaterThan(0);
    expect(standIn.machines.size).toBe(0);
  });

  it("removes the machine when its working directory cannot be made", async () => {
    const created = provider({ cwd: "/proc/none" }).create(spec);
    await expect(created).rejects.toMatchObject({ code: "file_failed" });
    expect(standIn.machines.size).toBe(0);
  });

  it("is asked for news again when it has had too many requests, and no output is lost", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", "sleep 1; seq 1 1000"], stdin: "ignore" });
    standIn.server.faults.nextStatus(429, { on: isExec, times: 2, retryAfterSeconds: 0 });
    const lines = (await new Response(process.stdout).text()).trim().split("\n");
    expect([lines.length, lines.at(-1)]).toEqual([1000, "1000"]);
    expect(await process.exited).toEqual({ code: 0, signal: null });
    await sandbox.destroy();
  });

  it("is asked for less when its answers are cut, and no output is lost", async () => {
    const sandbox = await provider().create(spec);
    const made = await sandbox.spawn({
      argv: ["/bin/sh", "-c", "seq 1 20000000 | head -c 5000000 > file; cat file"],
      stdin: "ignore",
    });
    // Longer than the first that is asked for, so that it is met on the way.
    standIn.longestOutput = 1_000_000;
    try {
      const output = Buffer.from(await new Response(made.stdout).arrayBuffer());
      expect(await made.exited).toEqual({ code: 0, signal: null });
      const read = await sandbox.files.read("file");
      expect([output.length, output.equals(Buffer.from(read))]).toEqual([5_000_000, true]);
    } finally {
      standIn.longestOutput = Number.POSITIVE_INFINITY;
      await sandbox.destroy();
    }
  });

  it("ends a process with the code of a lost sandbox when its machine is gone", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({ argv: ["sleep", "300"] });
    const [machine] = standIn.machines.values();
    await machine?.machine.destroy();
    const since = performance.now();
    await expect(process.exited).rejects.toSatisfy((error) => SandboxAgentError.is(error));
    expect(performance.now() - since).toBeLessThan(5000);
    await sandbox.destroy();
  });
});

describe("a machine", () => {
  it("shows no variable's value to its process list, nor in its configuration", async () => {
    const sandbox = await provider({ env: { OF_PROVIDER: "secret-a" } }).create({
      env: { OF_BOX: "secret-b" },
      labels: {},
    });
    const from = standIn.commands.length;
    const process = await sandbox.spawn({
      argv: ["/bin/sh", "-c", "echo $OF_PROVIDER $OF_BOX $OF_PROCESS"],
      env: { OF_PROCESS: "secret-c" },
      stdin: "ignore",
    });
    expect(await new Response(process.stdout).text()).toBe("secret-a secret-b secret-c\n");
    const argvs = standIn.commands.slice(from).map((body) => (body as { readonly command: unknown }).command);
    expect(JSON.stringify(argvs)).not.toContain("secret-");
    expect(JSON.stringify([...standIn.machines.values()].map(({ config }) => config))).not.toContain(
      "secret-",
    );
    await sandbox.destroy();
  });

  it("ends some time after nobody has used it any more", async () => {
    const sandbox = await provider({ timeoutMs: 2000 }).create(spec);
    await expect.poll(() => standIn.machines.size, { timeout: 10_000, interval: 100 }).toBe(0);
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code: "sandbox_lost" });
    await sandbox.destroy();
  });

  it("lives as long as a process runs in it", async () => {
    const sandbox = await provider({ timeoutMs: 2000 }).create(spec);
    const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", "sleep 5; echo done"], stdin: "ignore" });
    expect(await new Response(process.stdout).text()).toBe("done\n");
    await sandbox.destroy();
  });

  it("is not let go of where its label cannot have the new end", async () => {
    const sandbox = await provider().create(spec);
    const isLabel = ({ path }: { readonly path: string }): boolean => path.includes("/metadata/");
    standIn.server.faults.nextStatus(500, { on: isLabel });
    await expect(sandbox.detach({ ttlMs: 1000 })).rejects.toMatchObject({ code: "provider_failed" });
    await sandbox.files.write("file", "text");
    expect(await sandbox.files.readText("file")).toBe("text");
    await sandbox.destroy();
    expect(standIn.machines.size).toBe(0);
  });

  it("takes one request for a small file, and shows no variable's value by it", async () => {
    const sandbox = await provider({ env: { OF_PROVIDER: "secret-a" } }).create(spec);
    await sandbox.files.write("first", "text");
    const from = standIn.commands.length;
    await sandbox.files.write("file", "text");
    expect(await sandbox.files.readText("file")).toBe("text");
    const argvs = standIn.commands.slice(from).map((body) => (body as { readonly command: unknown }).command);
    expect(argvs).toHaveLength(2);
    expect(JSON.stringify(argvs)).not.toContain("secret-");
    await sandbox.destroy();
  });

  it("that was suspended is started again by whoever connects, and does not end on the way", async () => {
    const sandbox = await provider({ timeoutMs: 2000 }).create(spec);
    await sandbox.files.write("kept", "text");
    await sandbox.pause();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const again = await provider().connect(sandbox.id, { env: {} });
    expect(await again.files.readText("kept")).toBe("text");
    const { state } = [...standIn.machines.values()][0] ?? {};
    expect(state).toBe("started");
    await again.destroy();
    expect(standIn.machines.size).toBe(0);
  });

  it("of somebody else is neither listed nor connected to", async () => {
    const headers = { authorization: `Bearer ${standIn.token}` };
    const path = `${standIn.url}/v1/apps/${standIn.app}/machines`;
    const config = { image: "other", init: { exec: ["sleep", "300"] } };
    const made = await fetch(path, {
      method: "POST",
      headers,
      body: JSON.stringify({ name: "web", config }),
    });
    const { id } = (await made.json()) as { readonly id: string };
    const listed: string[] = [];
    for await (const info of provider().list()) listed.push(info.id);
    expect(listed).toEqual([]);
    await expect(provider().connect(id, { env: {} })).rejects.toMatchObject({ code: "sandbox_not_found" });
    await fetch(`${path}/${id}?force=true`, { method: "DELETE", headers });
  });
});

describeOtherHost({
  name: "fly",
  options: () => ({ baseUrl: standIn.url, token: standIn.token, app: standIn.app }),
  provider,
  packages: [],
  count: () => standIn.machines.size,
});

describeRealAgent("a real agent in a machine", {
  provider,
  watch: cloudLeftovers(() => standIn.machines),
  cuts: [brokenConnection(() => standIn.server, { goesOn: true }), outage(() => standIn.server)],
});
