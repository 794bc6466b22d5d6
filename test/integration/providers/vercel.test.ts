import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type VercelOptions, vercel } from "playpen/vercel";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type VercelStandIn, startVercel } from "../../stand-ins/vercel/index.ts";
import { describeOtherHost } from "./describe-other-host.ts";
import { brokenConnection, cloudLeftovers, describeRealAgent, outage } from "./describe-real-agent.ts";
import { describeVendorFailures } from "./describe-vendor-failures.ts";

let standIn: VercelStandIn;
beforeAll(async () => {
  standIn = await startVercel();
});
afterAll(() => standIn.stop());
afterEach(() => {
  standIn.server.faults.clear();
  vi.unstubAllEnvs();
});

const spec = { env: {}, labels: {} };
const accessOf = ({ url, token, teamId, projectId }: VercelStandIn) => ({
  baseUrl: url,
  token,
  teamId,
  projectId,
});
const provider = (options: VercelOptions = {}) => vercel({ ...accessOf(standIn), ...options });
const variables = ["VERCEL_TOKEN", "VERCEL_TEAM_ID", "VERCEL_PROJECT_ID", "VERCEL_OIDC_TOKEN"];

describe("what the service may answer", () => {
  describeVendorFailures({
    server: () => standIn.server,
    provider: () => provider({ requestTimeoutMs: 900 }),
    creation: { method: "POST", path: "/v3/sandboxes" },
    count: () => standIn.sandboxes.size,
    variables,
    at: (baseUrl) => provider({ baseUrl }),
  });

  it("is not asked without a credential", async () => {
    for (const name of variables) vi.stubEnv(name, "");
    const before = standIn.server.requests.length;
    const created = vercel({ baseUrl: standIn.url, token: standIn.token }).create(spec);
    await expect(created).rejects.toMatchObject({ code: "provider_authentication_failed" });
    await expect(created).rejects.toThrow("vercel has no teamId, projectId");
    expect(standIn.server.requests.length).toBe(before);
  });

  it("takes team and project from an OIDC token", async () => {
    for (const name of variables) vi.stubEnv(name, "");
    const claims = { owner_id: standIn.teamId, project_id: standIn.projectId };
    const token = `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;
    vi.stubEnv("VERCEL_OIDC_TOKEN", token);
    vi.stubEnv("VERCEL_TOKEN", standIn.token);
    expect(await vercel({ baseUrl: standIn.url }).check()).toEqual({ available: true });
  });

  it("is told in full when an image, a snapshot or a size is refused", async () => {
    const image = provider({ image: "nobody/nothing" }).create(spec);
    await expect(image).rejects.toMatchObject({ code: "image_unavailable" });
    const snapshot = provider().create({ ...spec, snapshot: "snap_none" });
    await expect(snapshot).rejects.toMatchObject({ code: "image_unavailable" });
    const size = provider({ cpus: 64 }).create(spec);
    await expect(size).rejects.toMatchObject({ code: "sandbox_create_failed" });
    await expect(size).rejects.toThrow("Invalid resources.vcpus");
    const labels = provider({ labels: { long: "x".repeat(1000) } }).create(spec);
    await expect(labels).rejects.toMatchObject({ code: "sandbox_create_failed" });
    const folder = provider({ cwd: "/proc/none" }).create(spec);
    await expect(folder).rejects.toMatchObject({ code: "file_failed" });
    expect(standIn.sandboxes.size).toBe(0);
  });

  it("is gone over once: a command that fails is not sent again", async () => {
    const sandbox = await provider().create(spec);
    const isCommand = ({ path }: { readonly path: string }): boolean => path.endsWith("/cmd");
    const before = standIn.server.count("POST", /\/cmd$/);
    standIn.server.faults.nextStatus(500, { on: isCommand });
    await expect(sandbox.spawn({ argv: ["true"], stdin: "ignore" })).rejects.toMatchObject({
      code: "provider_failed",
    });
    expect(standIn.server.count("POST", /\/cmd$/) - before).toBe(1);
    await sandbox.destroy();
  });
});

describe("a process", () => {
  it("goes on where the connection is cut, and so does its output", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({
      argv: ["/bin/sh", "-c", "echo first; while [ ! -e go ]; do sleep 0.05; done; echo second"],
      stdin: "ignore",
    });
    const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe("first\n");
    standIn.server.cutConnections();
    await sandbox.files.write("go", "");
    expect((await reader.read()).value).toBe("second\n");
    expect(await process.exited).toEqual({ code: 0, signal: null });
    await sandbox.destroy();
  });

  it("is told to be lost soon after the service has gone", async () => {
    const own = await startVercel();
    const sandbox = await vercel(accessOf(own)).create(spec);
    const process = await sandbox.spawn({ argv: ["sleep", "300"], stdin: "ignore" });
    const since = performance.now();
    await own.stop();
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    expect(performance.now() - since).toBeLessThan(5000);
  });

  it("may keep a command of the library's own waiting for longer than a request may take", async () => {
    const sandbox = await provider({ requestTimeoutMs: 500 }).create(spec);
    const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", "sleep 2; cat"] });
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode("text"));
    await writer.close();
    expect(await new Response(process.stdout).text()).toBe("text");
    await sandbox.destroy();
  });

  it("has its variables in no argument", async () => {
    const sandbox = await provider({ env: { OF_PROVIDER: "secret-a" } }).create(spec);
    const process = await sandbox.spawn({
      argv: ["/bin/sh", "-c", "echo $OF_PROVIDER $OWN $HOME"],
      env: { OWN: "secret-b", HOME: "/elsewhere" },
      stdin: "ignore",
    });
    expect(await new Response(process.stdout).text()).toBe("secret-a secret-b /elsewhere\n");
    for (const command of standIn.commands) {
      expect(JSON.stringify((command as { readonly args: unknown }).args)).not.toContain("secret");
    }
    await sandbox.destroy();
  });
});

describe("a sandbox's time", () => {
  it("is put off while a process runs, and only then", async () => {
    const sandbox = await provider({ timeoutMs: 3000 }).create(spec);
    const process = await sandbox.spawn({ argv: ["sleep", "5"], stdin: "ignore" });
    expect(await process.exited).toEqual({ code: 0, signal: null });
    const record = standIn.sandboxes.get(sandbox.id);
    expect(record?.status).toBe("running");
    await expect.poll(() => record?.status, { timeout: 8000 }).toBe("stopped");
    await expect(sandbox.spawn({ argv: ["true"], stdin: "ignore" })).rejects.toMatchObject({
      code: "sandbox_lost",
    });
    const listed: string[] = [];
    for await (const { id } of provider().list()) listed.push(id);
    expect(listed).toEqual([]);
    expect(standIn.sandboxes.size).toBe(0);
  });

  it("is what was asked for, and is not put off then", async () => {
    const sandbox = await provider().create({ ...spec, ttlMs: 2000 });
    const process = await sandbox.spawn({ argv: ["sleep", "60"], stdin: "ignore" });
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    await sandbox.destroy();
  });

  it("cannot exceed the plan's limit, which is said", async () => {
    const own = await startVercel({ mostMs: 600_000 });
    const sandbox = await vercel(accessOf(own)).create(spec);
    await expect(sandbox.extend(3_600_000)).rejects.toThrow("exceeds your plan's limit");
    await expect(sandbox.detach({ ttlMs: 3_600_000 })).rejects.toMatchObject({ code: "provider_failed" });
    await sandbox.destroy();
    await own.stop();
  });
});

describe("abilities", () => {
  it("has its network policy set in the vendor's words", async () => {
    const sandbox = await provider().create(spec);
    const record = standIn.sandboxes.get(sandbox.id);
    await sandbox.setNetworkPolicy({ allow: ["github.com", "*.npmjs.org"] });
    expect(record?.networkPolicy).toEqual({ mode: "custom", allowedDomains: ["github.com", "*.npmjs.org"] });
    await sandbox.setNetworkPolicy("deny-all");
    expect(record?.networkPolicy).toEqual({ mode: "deny-all" });
    await sandbox.destroy();
  });

  it("makes ports reachable beside those that were asked for at the beginning", async () => {
    const sandbox = await provider({ ports: [3000] }).create(spec);
    const [first, second] = await Promise.all([sandbox.expose(4000), sandbox.expose(5000)]);
    expect([first.url, second.url]).toEqual(["http://127.0.0.1:4000", "http://127.0.0.1:5000"]);
    expect(standIn.sandboxes.get(sandbox.id)?.ports).toEqual([3000, 4000, 5000]);
    await sandbox.destroy();
  });

  it("says that a snapshot ends the sandbox, and keeps the name's record out of the list", async () => {
    const own = provider();
    expect(own.snapshots?.endsSandbox).toBe(true);
    const sandbox = await own.create(spec);
    const { id } = await sandbox.snapshot({ name: "base" });
    await sandbox.destroy();
    const listed: string[] = [];
    for await (const each of own.list()) listed.push(each.id);
    expect(listed).toEqual([]);
    expect(await own.snapshots?.find("base")).toEqual({ id });
    await own.snapshots?.remove(id);
    expect(standIn.sandboxes.size).toBe(0);
    expect(standIn.snapshots.size).toBe(0);
  });
});

describeOtherHost({
  name: "vercel",
  options: () => accessOf(standIn),
  provider,
  packages: [{ name: "@vercel/sandbox", range: "^3.5.0", others: ["2.0.0"] }],
  count: () => standIn.sandboxes.size,
});

describe("a real agent", () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "vercel-home-"));
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  describeRealAgent("in a sandbox of Vercel's", {
    provider,
    // The vendor's user has a home folder that this machine has not.
    env: () => ({ HOME: home }),
    watch: cloudLeftovers(() => standIn.sandboxes),
    cuts: [brokenConnection(() => standIn.server, { goesOn: true }), outage(() => standIn.server)],
  });
});
