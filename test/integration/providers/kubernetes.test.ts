import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KubernetesOptions, kubernetes } from "playpen/kubernetes";
import type { Sandbox, SandboxInfo } from "playpen/kit";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { type KubernetesStandIn, standInImages, startKubernetes } from "../../stand-ins/kubernetes/index.ts";
import { describeOtherHost } from "./describe-other-host.ts";
import { brokenConnection, cloudLeftovers, describeRealAgent, outage } from "./describe-real-agent.ts";
import { describeVendorFailures } from "./describe-vendor-failures.ts";

let standIn: KubernetesStandIn;
beforeAll(async () => {
  standIn = await startKubernetes();
});
afterAll(() => standIn.stop());
afterEach(() => {
  standIn.server.faults.clear();
  vi.unstubAllEnvs();
});

const spec = { env: {}, labels: {} };
const provider = (options: KubernetesOptions = {}) =>
  kubernetes({ server: standIn.url, token: standIn.token, ...options });

async function output(sandbox: Sandbox, ...argv: [string, ...string[]]): Promise<string> {
  const process = await sandbox.spawn({ argv, stdin: "ignore" });
  return new Response(process.stdout).text();
}

async function listed(options: KubernetesOptions = {}): Promise<readonly SandboxInfo[]> {
  const found: SandboxInfo[] = [];
  for await (const info of provider(options).list()) found.push(info);
  return found;
}

describe("what the API server may answer", () => {
  describeVendorFailures({
    server: () => standIn.server,
    provider: () => provider({ requestTimeoutMs: 700 }),
    creation: { method: "POST", path: "/api/v1/namespaces/default/pods" },
    count: () => standIn.pods.size,
    variables: ["KUBECONFIG", "KUBERNETES_SERVICE_HOST"],
    at: (server) => provider({ server }),
  });

  it("is not asked without a credential", async () => {
    const home = await mkdtemp(join(tmpdir(), "no-kubeconfig-"));
    onTestFinished(() => rm(home, { recursive: true }));
    vi.stubEnv("HOME", home);
    vi.stubEnv("KUBECONFIG", "");
    const before = standIn.server.requests.length;
    const created = kubernetes().create(spec);
    await expect(created).rejects.toMatchObject({
      code: "provider_authentication_failed",
      details: { variables: ["KUBECONFIG", "KUBERNETES_SERVICE_HOST"] },
    });
    expect(await kubernetes().check()).toMatchObject({ available: false });
    expect(standIn.server.requests.length).toBe(before);
  });

  it.each([
    [{ namespace: "not-there" }, "sandbox_create_failed"],
    [{ namespace: "kube-system" }, "provider_authentication_failed"],
    [{ token: "wrong" }, "provider_authentication_failed"],
    [{ image: standInImages.missing }, "image_unavailable"],
    [{ image: standInImages.noShell }, "sandbox_create_failed"],
    [{ nodeSelector: { zone: "none" }, startTimeoutMs: 300 }, "sandbox_create_failed"],
    [{ cwd: "/proc/none" }, "sandbox_create_failed"],
  ])("leaves no pod when one with %j cannot run", async (options, code) => {
    await expect(provider(options).create(spec)).rejects.toMatchObject({ code });
    expect(standIn.pods.size).toBe(0);
  });

  it("removes a pod that waits for a node when it is no longer wanted", async () => {
    const abort = new AbortController();
    const messages: string[] = [];
    const created = provider({ nodeSelector: { zone: "none" } }).create(spec, {
      signal: abort.signal,
      onProgress: ({ message }) => {
        messages.push(message);
        if (message.includes("didn't match Pod's node affinity")) abort.abort(new Error("enough"));
      },
    });
    await expect(created).rejects.toThrow("enough");
    expect(standIn.pods.size).toBe(0);
  });

  it.each([
    [401, "provider_authentication_failed"],
    [403, "provider_authentication_failed"],
    [404, "spawn_failed"],
    [500, "spawn_failed"],
  ])("starts no process when a WebSocket is refused with %i", async (status, code) => {
    const sandbox = await provider().create(spec);
    standIn.server.faults.nextStatus(status, { on: ({ method }) => method === "UPGRADE" });
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code });
    await sandbox.destroy();
  });

  it("names the version that is needed where the input cannot be ended", async () => {
    const old = await startKubernetes({ isOld: true });
    onTestFinished(() => old.stop());
    const created = provider({ server: old.url }).create(spec);
    await expect(created).rejects.toMatchObject({ code: "provider_unavailable" });
    await expect(created).rejects.toThrow("Kubernetes 1.30");
    expect(old.pods.size).toBe(0);
  });
});

describe("a command", () => {
  it("is in no address, and neither are its variables", async () => {
    const sandbox = await provider({ env: { OF_PROVIDER: "secret-a" } }).create(spec);
    const from = standIn.addresses.length;
    const env = { OF_PROCESS: "secret-b", LARGE: "x".repeat(100_000) };
    const argv = ["/bin/sh", "-c", "echo $OF_PROVIDER $OF_PROCESS; : secret-c"] as const;
    const process = await sandbox.spawn({ argv, env });
    expect(await new Response(process.stdout).text()).toBe("secret-a secret-b\n");
    const [address, another] = standIn.addresses.slice(from);
    expect(another).toBeUndefined();
    expect(address).not.toContain("secret");
    expect(address?.length).toBeLessThan(1000);
    await sandbox.destroy();
  });

  it("ends with the code of its sandbox when the connection is cut, and the pod lives on", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({ argv: ["sleep", "300"] });
    const since = performance.now();
    standIn.server.cutConnections();
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    expect(performance.now() - since).toBeLessThan(5000);
    expect(await output(sandbox, "echo", "alive")).toBe("alive\n");
    await sandbox.destroy();
  });

  it("fails for who never reads its standard error, and goes on", async () => {
    const sandbox = await provider().create(spec);
    const script = "seq 1 400000 >&2; echo done";
    const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", script], stdin: "ignore" });
    expect(await new Response(process.stdout).text()).toBe("done\n");
    await expect(new Response(process.stderr).text()).rejects.toMatchObject({ code: "output_too_large" });
    expect(await process.exited).toEqual({ code: 0, signal: null });
    await sandbox.destroy();
  });

  it("holds nothing back of what looks like the end of a report", async () => {
    const sandbox = await provider().create(spec);
    const script = "printf '\\026playpen-exit' >&2; exit 3";
    const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", script], stdin: "ignore" });
    expect(await new Response(process.stderr).text()).toBe("\u0016playpen-exit");
    expect(await process.exited).toEqual({ code: 3, signal: null });
    await sandbox.destroy();
  });
});

describe("a pod", () => {
  it("has a working directory of its own where it is asked for when it is connected to", async () => {
    const sandbox = await provider().create(spec);
    await sandbox.detach({ ttlMs: 60_000 });
    const second = await provider().connect(sandbox.id, { env: {}, cwd: `${sandbox.cwd}/inner/folder` });
    expect(await output(second, "pwd")).toBe(`${sandbox.cwd}/inner/folder\n`);
    await second.destroy();
  });

  it("ends by itself when its host is heard of no more, and its record goes with the next look", async () => {
    const sandbox = await provider({ timeoutMs: 4000 }).create(spec);
    const [pod] = standIn.pods.values();
    const since = performance.now();
    // From now on nothing of this host reaches the pod.
    const isRenewal = ({ method }: { readonly method: string }): boolean => method === "UPGRADE";
    standIn.server.faults.nextStatus(500, { on: isRenewal, times: 1000 });
    await expect.poll(() => pod?.phase, { timeout: 15_000 }).toBe("Succeeded");
    expect(performance.now() - since).toBeGreaterThan(2000);
    standIn.server.faults.clear();
    await expect(provider().connect(sandbox.id, { env: {} })).rejects.toMatchObject({
      code: "sandbox_not_found",
    });
    expect(await listed()).toEqual([]);
    expect(standIn.pods.size).toBe(0);
    await sandbox.destroy();
  });

  it("lives on while its host does, although nothing runs", async () => {
    const sandbox = await provider({ timeoutMs: 4000 }).create(spec);
    await new Promise((resolve) => setTimeout(resolve, 6500));
    expect(await output(sandbox, "echo", "alive")).toBe("alive\n");
    await sandbox.destroy();
  });

  it("is ended by the cluster after the time given for it", async () => {
    const sandbox = await provider().create({ ...spec, ttlMs: 1000 });
    const process = await sandbox.spawn({ argv: ["sleep", "300"] });
    await process.exited.catch(() => undefined);
    const [pod] = standIn.pods.values();
    await expect.poll(() => pod?.phase, { timeout: 10_000 }).toBe("Failed");
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code: "sandbox_lost" });
    await sandbox.destroy();
    expect(standIn.pods.size).toBe(0);
  });

  it("of somebody else is neither listed nor connected to", async () => {
    const body = {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "web", labels: { app: "web" } } },
      spec: { containers: [{ name: "sandbox", image: "web", command: ["sleep", "300"] }] },
    };
    const headers = { authorization: `Bearer ${standIn.token}` };
    const path = `${standIn.url}/api/v1/namespaces/default/pods`;
    await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    expect(await listed()).toEqual([]);
    for (const id of ["web", "not-there", "../pods/web", "a".repeat(64)]) {
      await expect(provider().connect(id, { env: {} })).rejects.toMatchObject({ code: "sandbox_not_found" });
    }
    await fetch(`${path}/web`, { method: "DELETE", headers });
    await expect.poll(() => standIn.pods.size, { timeout: 35_000 }).toBe(0);
  });

  it("is in the namespace of its context, with the kubeconfig's credential", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const config = {
      ...{ apiVersion: "v1", kind: "Config", "current-context": "other" },
      clusters: [{ name: "c", cluster: { server: standIn.url, "insecure-skip-tls-verify": true } }],
      users: [{ name: "u", user: { token: standIn.token } }],
      contexts: [
        { name: "mine", context: { cluster: "c", user: "u", namespace: "agents" } },
        { name: "other", context: { cluster: "c", user: "nobody" } },
      ],
    };
    await writeFile(join(folder, "config"), JSON.stringify(config));
    vi.stubEnv("KUBECONFIG", join(folder, "config"));
    const sandbox = await kubernetes({ context: "mine" }).create(spec);
    expect([...standIn.pods.keys()]).toEqual([`agents/${sandbox.id}`]);
    await sandbox.destroy();
    await expect(kubernetes().create(spec)).rejects.toMatchObject({ code: "provider_authentication_failed" });
    await expect(kubernetes({ context: "none" }).create(spec)).rejects.toThrow("it has: mine, other");
    const unreadable = kubernetes({ kubeconfig: join(folder, "none") }).create(spec);
    await expect(unreadable).rejects.toMatchObject({ code: "provider_authentication_failed" });
  });

  it("has its port carried to this machine until it is destroyed, large answers whole", async () => {
    const payload = randomUUID().repeat(100_000);
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => response.end(`${Buffer.concat(chunks).length} ${payload}`));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const sandbox = await provider().create(spec);
    const { url } = await sandbox.expose(port);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const answers = await Promise.all(
      [1, 2, 3].map(async () => (await fetch(url, { method: "POST", body: payload })).text()),
    );
    for (const answer of answers) expect(answer === `${payload.length} ${payload}`).toBe(true);
    await expect(sandbox.expose(0)).rejects.toThrow(TypeError);
    const closed = await sandbox.expose(9);
    await expect(fetch(closed.url)).rejects.toThrow();
    await sandbox.destroy();
    await expect(fetch(url)).rejects.toThrow();
  });

  it("tells what it needs where the cluster measures nothing", async () => {
    const own = await startKubernetes({ hasMetrics: false });
    onTestFinished(() => own.stop());
    const sandbox = await provider({ server: own.url }).create(spec);
    await expect(sandbox.metrics()).rejects.toMatchObject({ code: "provider_failed" });
    await expect(sandbox.metrics()).rejects.toThrow("metrics server");
    await sandbox.destroy();
  });
});

describeOtherHost({
  name: "kubernetes",
  options: () => ({ server: standIn.url, token: standIn.token }),
  provider,
  packages: [{ name: "@kubernetes/client-node", range: "^1.4.0", others: ["2.0.0", "0.22.3", "1.3.0"] }],
  count: () => standIn.pods.size,
});

describeRealAgent("a real agent in a pod", {
  provider,
  watch: cloudLeftovers(() => standIn.pods),
  cuts: [brokenConnection(() => standIn.server), outage(() => standIn.server)],
});
