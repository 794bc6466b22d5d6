import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { SandboxAgent } from "playpen";
import { type CloudflareOptions, cloudflare } from "playpen/cloudflare";
import { type Sandbox, stringField } from "playpen/kit";
import { scriptedBackend } from "playpen/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { type CloudflareStandIn, startCloudflare } from "../../../stand-ins/cloudflare/index.ts";
import { Answer, StandInServer } from "../../../stand-ins/kit/http-server.ts";
import { describeRealAgent, machineLeftovers } from "../describe-real-agent.ts";
import { describeVendorFailures } from "../describe-vendor-failures.ts";
import { ForeignHost } from "../host-of.ts";

let standIn: CloudflareStandIn;
beforeAll(async () => {
  standIn = await startCloudflare();
});
afterAll(() => standIn.stop());
afterEach(() => {
  standIn.server.faults.clear();
  vi.unstubAllEnvs();
});

const spec = { env: {}, labels: {} };
const variables = ["PLAYPEN_CLOUDFLARE_URL", "PLAYPEN_CLOUDFLARE_TOKEN"];
const accessOf = ({ url, token }: CloudflareStandIn) => ({ url, token });
const provider = (options: CloudflareOptions = {}) => cloudflare({ ...accessOf(standIn), ...options });
const shell = (script: string) => ({ argv: ["/bin/sh", "-c", script], stdin: "ignore" }) as const;
const outputOf = async (sandbox: Sandbox, script: string): Promise<string> =>
  new Response((await sandbox.spawn(shell(script))).stdout).text();
const isGone = async (): Promise<void> => {
  await expect.poll(() => standIn.machines.size, { timeout: 15_000, interval: 100 }).toBe(0);
};

describe("what the bridge, or what is in front of it, may answer", () => {
  describeVendorFailures({
    server: () => standIn.server,
    provider: () => provider({ createTimeoutMs: 2500 }),
    creation: { method: "POST", path: "/v1/sandbox" },
    // What says so is no bridge.
    notFoundCode: "provider_failed",
    count: () => standIn.machines.size,
    variables,
  });

  it("is not asked without an address or a token", async () => {
    for (const name of variables) vi.stubEnv(name, "");
    const before = standIn.server.requests.length;
    for (const options of [{}, { url: standIn.url }, { token: standIn.token }]) {
      await expect(cloudflare(options).create(spec)).rejects.toMatchObject({
        code: "provider_authentication_failed",
        details: { variables },
      });
    }
    vi.stubEnv("PLAYPEN_CLOUDFLARE_URL", "ftp://example.com");
    const check = await cloudflare({ token: standIn.token }).check();
    expect(check).toMatchObject({ available: false });
    expect(standIn.server.requests.length).toBe(before);
  });

  it("is found by the environment", async () => {
    vi.stubEnv("PLAYPEN_CLOUDFLARE_URL", `${standIn.url}/`);
    vi.stubEnv("PLAYPEN_CLOUDFLARE_TOKEN", standIn.token);
    expect(await cloudflare().check()).toEqual({ available: true });
  });

  it("refuses a token that is not its own, and repeats it nowhere", async () => {
    const check = await provider({ token: "a-token-of-somebody-else" }).check();
    expect(check).toMatchObject({ available: false, reason: expect.stringContaining("401") as string });
    expect(JSON.stringify(check)).not.toContain("somebody-else");
  });

  it("is told from an address where nobody answers", async () => {
    const gone = await new StandInServer().start();
    await gone.stop();
    const created = provider({ url: gone.url }).create(spec);
    await expect(created).rejects.toMatchObject({ code: "provider_unavailable" });
  });

  it.each([
    ["another program", {}, "is no bridge"],
    ["a bridge of another version", { "playpen-bridge": "99" }, "speaks version 99"],
  ])("is told from %s", async (_what, headers, words) => {
    const server = new StandInServer().route("*", "/*path", () => new Answer(200, { id: "x" }, headers));
    await server.start();
    const other = provider({ url: server.url });
    expect(await other.check()).toMatchObject({
      available: false,
      reason: expect.stringContaining(words) as string,
    });
    for (const use of [() => other.create(spec), () => other.connect("playpen-x", { env: {} })]) {
      await expect(use()).rejects.toMatchObject({
        code: "provider_failed",
        remedy: expect.stringContaining("npx wrangler deploy") as string,
      });
    }
    await server.stop();
  });

  it("removes the sandbox whose making it does not hear of", async () => {
    standIn.losesAnswers = true;
    await expect(provider().create(spec)).rejects.toMatchObject({ code: "provider_failed" });
    standIn.losesAnswers = false;
    await isGone();
    expect(await listed()).toEqual([]);
  });

  it("removes the sandbox when its working directory cannot be made", async () => {
    const created = provider({ cwd: "/proc/none" }).create(spec);
    await expect(created).rejects.toMatchObject({ code: "file_failed", details: { path: "/proc/none" } });
    await isGone();
    expect(await listed()).toEqual([]);
  });

  it("says when all containers are taken, and keeps nothing of the one that was none", async () => {
    standIn.containers.room = 0;
    const created = provider().create(spec);
    await expect(created).rejects.toMatchObject({ code: "provider_rate_limited" });
    standIn.containers.room = Number.POSITIVE_INFINITY;
    expect(await listed()).toEqual([]);
  });
});

async function listed(labels = {}): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { id } of provider().list({ labels })) ids.push(id);
  return ids;
}

describe("a sandbox", () => {
  it("shows no variable's value in a command", async () => {
    const sandbox = await provider({ env: { OF_PROVIDER: "secret-a" } }).create({
      env: { OF_BOX: "secret-b" },
      labels: {},
    });
    expect(await outputOf(sandbox, "echo $OF_PROVIDER $OF_BOX")).toBe("secret-a secret-b\n");
    const lines = standIn.containers.commands.map(({ command }) => command);
    expect(lines.length).toBeGreaterThan(1);
    expect(JSON.stringify(lines)).not.toContain("secret-");
    await sandbox.destroy();
  });

  it("tells output while it is written by one request, however often it is written", async () => {
    const sandbox = await provider().create(spec);
    const before = standIn.server.count("POST", /exec$/);
    const lines = (await outputOf(sandbox, "for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.15; done")).split(
      "\n",
    );
    expect(lines).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9", ""]);
    // One starts the process, one or two follow it, and one tidies up.
    expect(standIn.server.count("POST", /exec$/) - before).toBeLessThan(6);
    await sandbox.destroy();
  });

  it("ends some time after nobody has used it any more", async () => {
    const sandbox = await provider({ timeoutMs: 1500 }).create(spec);
    await isGone();
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code: "sandbox_lost" });
    await sandbox.destroy();
  });

  it("ends also where the bridge was started anew meanwhile, and nobody asks for it", async () => {
    const sandbox = await provider({ timeoutMs: 2500 }).create(spec);
    await standIn.restart();
    expect(await listed()).toEqual([sandbox.id]);
    await isGone();
    expect(await listed()).toEqual([]);
  });

  it("lives as long as a process runs in it", async () => {
    const sandbox = await provider({ timeoutMs: 1500 }).create(spec);
    expect(await outputOf(sandbox, "sleep 4; echo done")).toBe("done\n");
    await sandbox.destroy();
  });

  it("ends when it is to end, also while it is used", async () => {
    const sandbox = await provider().create({ ...spec, ttlMs: 1500 });
    const process = await sandbox.spawn(shell("sleep 300"));
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    await isGone();
  });

  it("is lost with its container, and the one that comes in its place is not kept", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn(shell("sleep 300"));
    const since = performance.now();
    await standIn.containers.evict(sandbox.id);
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    expect(performance.now() - since).toBeLessThan(5000);
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code: "sandbox_lost" });
    await expect(sandbox.files.readText("x")).rejects.toMatchObject({ code: "sandbox_lost" });
    await isGone();
    await sandbox.destroy();
  });

  it("is lost within five seconds where nobody takes a connection any more", async () => {
    const other = await startCloudflare();
    const sandbox = await cloudflare(accessOf(other)).create(spec);
    const process = await sandbox.spawn(shell("sleep 300"));
    const since = performance.now();
    await other.server.stop();
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    expect(performance.now() - since).toBeLessThan(5000);
    await other.stop();
  });

  it("is used on by another host, to which it was left", async () => {
    const sandbox = await provider().create({ ...spec, labels: { kind: "ü = 1" } });
    await sandbox.files.write("kept", "by the first host");
    await sandbox.detach({ ttlMs: 60_000 });
    expect(await listed({ kind: "ü = 1" })).toEqual([sandbox.id]);
    expect(await listed({ kind: "another" })).toEqual([]);
    const host = await ForeignHost.compile(
      `import { cloudflare } from "@source/providers/cloudflare/index.ts";
       const { options, id } = JSON.parse(process.argv[2]);
       const sandbox = await cloudflare(options).connect(id, { env: {} });
       console.log(await sandbox.files.readText("kept"));
       await sandbox.destroy();`,
      [],
    );
    expect(await host.run({ options: accessOf(standIn), id: sandbox.id })).toBe("by the first host\n");
    expect(standIn.machines.size).toBe(0);
    await host.dispose();
    await expect(provider().connect(sandbox.id, { env: {} })).rejects.toMatchObject({
      code: "sandbox_not_found",
    });
    await expect(provider().connect("No Id", { env: {} })).rejects.toMatchObject({
      code: "sandbox_not_found",
    });
  });

  it("is swept up when its owner has left it behind", async () => {
    const owner = "cloudflare-sweep";
    const options = { sandbox: provider(), agent: scriptedBackend(), owner };
    const left = await SandboxAgent.start(options);
    const { id } = left;
    await left.detach({ ttlMs: 1000 });
    await vi.waitFor(async () => {
      const removed = await SandboxAgent.sweep({ sandbox: provider(), owner });
      // Whoever comes first: the sweep, or the end that the registry brings.
      expect([...removed, ...(standIn.machines.size === 0 ? [id] : [])]).toContain(id);
    }, 10_000);
    await isGone();
  });

  it("keeps files of other users than root where it has another one", async () => {
    const cwd = `/tmp/of-nobody-${randomUUID()}`;
    onTestFinished(() => rm(cwd, { recursive: true, force: true }));
    const sandbox = await provider({ user: "nobody", cwd }).create(spec);
    await sandbox.files.write("mine", "text");
    expect(await outputOf(sandbox, "stat -c %U mine; id -un")).toBe("nobody\nnobody\n");
    await sandbox.destroy();
  });

  it("brings no file over half", async () => {
    const sandbox = await provider().create(spec);
    await sandbox.files.write("file", "old");
    standIn.server.faults.nextStatus(500, { on: ({ method }) => method === "PUT" });
    const large = new Uint8Array(5 * 1024 * 1024).fill(7);
    const written = sandbox.files.write("file", large);
    await expect(written).rejects.toMatchObject({ code: "provider_failed" });
    expect(await sandbox.files.readText("file")).toBe("old");
    await sandbox.files.write("file", large);
    expect(Buffer.compare(await sandbox.files.read("file"), large)).toBe(0);
    await sandbox.destroy();
  });

  it("says in the provider's words what the bridge refuses", async () => {
    const sandbox = await provider().create(spec);
    const refused = await sandbox.expose(1).catch((error: unknown) => error);
    expect(stringField(refused, "code")).toBe("provider_failed");
    await sandbox.destroy();
  });
});

describeRealAgent("a real agent in a container of Cloudflare's", {
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
        standIn.server.cutConnections();
      },
    },
    {
      when: "the bridge gets out of reach",
      cut: () => {
        standIn.server.faults.next({ kind: "cut" }, { times: 1000 });
        standIn.server.cutConnections();
      },
      restore: () => {
        standIn.server.faults.clear();
      },
    },
    {
      when: "its container ends",
      cut: ({ sandbox: { id } }) => standIn.containers.evict(id),
    },
  ],
});
