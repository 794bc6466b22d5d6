import { randomBytes } from "node:crypto";
import type { V1Pod } from "@kubernetes/client-node";
import {
  type CreateOptions,
  SandboxAgentError,
  type SandboxSpec,
  refusedSafely,
  retriedWhenRefused,
  settlesWithin,
  undoneWhenAborted,
} from "../../src/kit.ts";
import { apiFailure, providerName, statusOf } from "./api-errors.ts";
import type { Cluster } from "./cluster.ts";
import { KubernetesMachine } from "./kubernetes-machine.ts";
import type { KubernetesSettings } from "./kubernetes-options.ts";
import { KubernetesSandbox } from "./kubernetes-sandbox.ts";
import { podManifest } from "./pod-manifest.ts";
import { PodPatience, deletePod, isRunning, readPod, startFailure, startProgress } from "./pod-state.ts";
import { PodWatch } from "./pod-watch.ts";

const cleanUpMs = 10_000;

/** Creates a pod and waits until it runs; whatever fails, none is left. */
export async function createSandbox(
  cluster: Cluster,
  settings: KubernetesSettings,
  spec: SandboxSpec,
  options: CreateOptions,
): Promise<KubernetesSandbox> {
  // Chosen here, so that a pod of which nothing was heard can be removed all the same.
  const name = `playpen-${randomBytes(10).toString("hex")}`;
  const created = create(cluster, settings, name, spec, options);
  return undoneWhenAborted(created, options.signal, (unwanted) => unwanted.destroy());
}

async function create(
  cluster: Cluster,
  settings: KubernetesSettings,
  name: string,
  spec: SandboxSpec,
  options: CreateOptions,
): Promise<KubernetesSandbox> {
  const { signal, onProgress } = options;
  onProgress?.({ phase: "create", message: `Creating the pod ${name} from ${settings.image}` });
  let isRequested = false;
  try {
    const requested = await retriedWhenRefused(() => requestPod(cluster, settings, name, spec), { signal });
    isRequested = true;
    await untilRunning(cluster, settings, requested, options);
    signal?.throwIfAborted();
    const cwd = spec.cwd ?? settings.cwd;
    const machine = await KubernetesMachine.prepare({
      cluster,
      settings,
      id: name,
      labels: { ...settings.labels, ...spec.labels },
      env: { ...settings.env, ...spec.env },
      isOwn: true,
      ...(cwd === undefined ? {} : { cwd }),
    });
    return new KubernetesSandbox(machine);
  } catch (error) {
    // A request that was certainly refused has left nothing. Otherwise the pod would end by itself, in a while.
    if (isRequested || !refusedSafely(error)) await settlesWithin(deletePod(cluster, name), cleanUpMs);
    throw error;
  }
}

async function requestPod(
  cluster: Cluster,
  settings: KubernetesSettings,
  name: string,
  spec: SandboxSpec,
): Promise<V1Pod> {
  const { namespace } = cluster;
  const body = Object.assign(new cluster.Pod(), podManifest(name, settings, spec));
  try {
    return await cluster.pods.createNamespacedPod({ namespace, body });
  } catch (error) {
    const failure = apiFailure({ action: "create a pod" }, error);
    const words = failure.message;
    if (statusOf(error) === 404 && words.includes("namespaces")) {
      throw new SandboxAgentError(
        "sandbox_create_failed",
        `There is no namespace ${JSON.stringify(namespace)}.`,
        {
          details: { provider: providerName },
          cause: error,
          remedy: `Run: kubectl create namespace ${namespace}`,
        },
      );
    }
    throw failure;
  }
}

async function untilRunning(
  cluster: Cluster,
  settings: KubernetesSettings,
  requested: V1Pod,
  { signal, onProgress }: CreateOptions,
): Promise<void> {
  const startedAt = performance.now();
  const name = requested.metadata?.name ?? "";
  const watch = PodWatch.open(cluster, name, requested.metadata?.resourceVersion);
  const patience = new PodPatience(watch);
  let said = "";
  try {
    for (let pod: V1Pod | undefined = requested; ;) {
      if (pod === undefined) throw createFailure("Somebody has deleted the pod.");
      if (isRunning(pod)) return;
      const failure = startFailure(pod, settings.image);
      if (failure !== undefined) throw failure;
      const progress = startProgress(pod);
      if (progress.message !== said) onProgress?.(progress);
      said = progress.message;
      if (performance.now() - startedAt > settings.startTimeoutMs) {
        throw createFailure(`The pod does not run after ${settings.startTimeoutMs} ms. ${said}.`);
      }
      const news = await patience.wait(signal);
      signal?.throwIfAborted();
      pod = news === "gone" ? undefined : await retriedWhenRefused(() => readPod(cluster, name), { signal });
    }
  } finally {
    watch.close();
  }
}

function createFailure(why: string): SandboxAgentError<"sandbox_create_failed"> {
  return new SandboxAgentError("sandbox_create_failed", why, { details: { provider: providerName } });
}
