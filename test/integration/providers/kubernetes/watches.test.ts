import { kubernetes } from "playpen/kubernetes";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  type KubernetesStandIn,
  type KubernetesStandInOptions,
  standInImages,
  startKubernetes,
} from "../../../stand-ins/kubernetes/index.ts";

const spec = { env: {}, labels: {} };
const podPath = /\/pods\/[^/]+$/;

async function startCluster(options: KubernetesStandInOptions): Promise<KubernetesStandIn> {
  const cluster = await startKubernetes(options);
  onTestFinished(() => cluster.stop());
  return cluster;
}

describe("a pod that takes its time", () => {
  it("is waited for by a watch, and not asked for again and again", async () => {
    const cluster = await startCluster({ startDelayMs: 1500 });
    const provider = kubernetes({ server: cluster.url, token: cluster.token });
    const since = performance.now();
    const sandbox = await provider.create(spec);
    expect(performance.now() - since).toBeGreaterThan(1500);
    // One for what the watch has told.
    expect(cluster.server.count("GET", podPath)).toBeLessThanOrEqual(2);
    await sandbox.destroy();
    expect(cluster.pods.size).toBe(0);
    expect(cluster.server.count("GET", podPath)).toBeLessThanOrEqual(2);
  });

  it.each(["refused", "silent", "cut"] as const)("is asked for where watches are %s", async (watches) => {
    const cluster = await startCluster({ watches, startDelayMs: 300 });
    const provider = kubernetes({ server: cluster.url, token: cluster.token });
    const sandbox = await provider.create(spec);
    const process = await sandbox.spawn({ argv: ["echo", "alive"], stdin: "ignore" });
    expect(await new Response(process.stdout).text()).toBe("alive\n");
    await sandbox.destroy();
    expect(cluster.pods.size).toBe(0);
  });

  it("is told of as soon as it cannot run, or somebody has deleted it", async () => {
    const cluster = await startCluster({ startDelayMs: 100 });
    const access = { server: cluster.url, token: cluster.token };
    await expect(kubernetes({ ...access, image: standInImages.missing }).create(spec)).rejects.toMatchObject({
      code: "image_unavailable",
    });
    expect(cluster.pods.size).toBe(0);
    const slow = await startCluster({ startDelayMs: 5000 });
    const created = kubernetes({ server: slow.url, token: slow.token }).create(spec);
    await expect.poll(() => slow.pods.size).toBe(1);
    // By force, as with a node that is gone.
    for (const pod of slow.pods.values()) void pod.remove(0);
    await expect(created).rejects.toMatchObject({ code: "sandbox_create_failed" });
  });

  it("is given up at once by whoever aborts, with its watch", async () => {
    const cluster = await startCluster({ startDelayMs: 300, watches: "silent" });
    const abort = new AbortController();
    const reason = new Error("not wanted");
    const created = kubernetes({ server: cluster.url, token: cluster.token }).create(spec, {
      signal: abort.signal,
    });
    await expect.poll(() => cluster.pods.size).toBe(1);
    abort.abort(reason);
    await expect(created).rejects.toBe(reason);
    await expect.poll(() => cluster.pods.size, { timeout: 10_000 }).toBe(0);
  });
});
