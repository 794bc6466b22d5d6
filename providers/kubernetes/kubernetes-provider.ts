import type { V1Pod } from "@kubernetes/client-node";
import {
  type Availability,
  type CreateOptions,
  type Labels,
  type SandboxCapabilities,
  type SandboxInfo,
  type SandboxProvider,
  type SandboxSpec,
  abortable,
  hasLabels,
  sandboxNotFound,
  unavailable,
} from "../../src/kit.ts";
import { apiFailure, providerName } from "./api-errors.ts";
import { type Cluster, findCluster } from "./cluster.ts";
import { createSandbox } from "./create-pod.ts";
import { KubernetesMachine } from "./kubernetes-machine.ts";
import {
  type KubernetesOptions,
  type KubernetesSettings,
  resolveKubernetesOptions,
} from "./kubernetes-options.ts";
import { KubernetesSandbox } from "./kubernetes-sandbox.ts";
import { labelSelector, podFacts } from "./pod-labels.ts";
import { deletePod, hasEnded, isRunning, readPod } from "./pod-state.ts";

/**
 * Makes a provider that runs each sandbox in a pod of a Kubernetes cluster.
 *
 * A pod ends by itself five minutes (`timeoutMs`) after its host was last heard of. The cluster is the one of the
 * kubeconfig's current context, unless the options name another. It must be of Kubernetes 1.30 or later.
 *
 * @throws TypeError for a wrong option, with its name.
 *
 * @example
 * ```ts
 * import { SandboxAgent } from "playpen";
 * import { claude } from "playpen/claude";
 * import { kubernetes } from "playpen/kubernetes";
 *
 * await using box = await SandboxAgent.start({
 *   sandbox: kubernetes({ namespace: "agents", image: "node:22-bookworm", memoryBytes: "2g", cpus: 2 }),
 *   agent: claude(),
 * });
 * ```
 */
export function kubernetes(options: KubernetesOptions = {}): SandboxProvider<KubernetesSandbox> {
  return new KubernetesProvider(resolveKubernetesOptions(options));
}

const listedAtOnce = 500;

class KubernetesProvider implements SandboxProvider<KubernetesSandbox> {
  readonly name = providerName;
  readonly capabilities: SandboxCapabilities = {
    stdin: "native",
    signals: "emulated",
    users: "emulated",
    files: "emulated",
    detach: "emulated",
    diesWithHost: "emulated",
    backpressure: "native",
    isolation: "container",
    abilities: ["expose", "terminal", "metrics"],
  };
  readonly #settings: KubernetesSettings;
  #cluster: Promise<Cluster> | undefined;

  constructor(settings: KubernetesSettings) {
    this.#settings = settings;
  }

  async check(): Promise<Availability> {
    try {
      const cluster = await this.#findCluster();
      await listPods(cluster, labelSelector({}), 1);
      return { available: true };
    } catch (error) {
      return unavailable(apiFailure({ action: "list pods" }, error), { other: "Look at the reason." });
    }
  }

  async create(spec: SandboxSpec, options: CreateOptions = {}): Promise<KubernetesSandbox> {
    options.signal?.throwIfAborted();
    const cluster = await abortable(this.#findCluster(), options.signal);
    return createSandbox(cluster, this.#settings, spec, options);
  }

  async connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    { signal }: CreateOptions = {},
  ): Promise<KubernetesSandbox> {
    signal?.throwIfAborted();
    // Anything else would be another path of the API.
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(id))
      throw sandboxNotFound(providerName, id, "That is no pod's name.");
    const cluster = await abortable(this.#findCluster(), signal);
    const pod = await abortable(readPod(cluster, id), signal);
    if (pod === undefined)
      throw sandboxNotFound(providerName, id, `The namespace ${cluster.namespace} has no such pod.`);
    const facts = podFacts(pod.metadata?.labels, pod.metadata?.annotations);
    if (facts === undefined)
      throw sandboxNotFound(providerName, id, "There is such a pod, but it is no sandbox.");
    if (!isRunning(pod)) throw sandboxNotFound(providerName, id, "It does not run.");
    const cwd = spec.cwd ?? facts.cwd ?? this.#settings.cwd;
    const machine = KubernetesMachine.prepare({
      cluster,
      settings: this.#settings,
      id,
      labels: facts.labels,
      env: { ...this.#settings.env, ...spec.env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    return new KubernetesSandbox(await abortable(machine, signal));
  }

  async *list({ labels = {} }: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const cluster = await this.#findCluster();
    let from: string | undefined;
    do {
      const { items, next } = await listPods(cluster, labelSelector(labels), listedAtOnce, from);
      for (const pod of items) {
        const info = infoOf(pod, labels);
        if (info === undefined) continue;
        if (!hasEnded(pod)) yield info;
        // Kubernetes keeps what has ended; whoever looks next tidies up.
        else if (pod.metadata?.deletionTimestamp === undefined) await deletePod(cluster, info.id);
      }
      from = next;
    } while (from !== undefined);
  }

  describe() {
    const {
      image,
      pull,
      namespace,
      context,
      cwd,
      user,
      cpus,
      memoryBytes,
      diskBytes,
      runtimeClass,
      timeoutMs,
    } = this.#settings;
    return {
      image,
      pull,
      timeoutMs,
      ...(namespace === undefined ? {} : { namespace }),
      ...(context === undefined ? {} : { context }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(user === undefined ? {} : { user }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(diskBytes === undefined ? {} : { diskBytes }),
      ...(runtimeClass === undefined ? {} : { runtimeClass }),
    };
  }

  /** The search serves every caller, so that no caller's signal ends it. */
  async #findCluster(): Promise<Cluster> {
    this.#cluster ??= findCluster(this.#settings).catch((error: unknown) => {
      this.#cluster = undefined;
      throw error;
    });
    return this.#cluster;
  }
}

async function listPods(
  cluster: Cluster,
  selector: string,
  limit: number,
  from?: string,
): Promise<{ readonly items: readonly V1Pod[]; readonly next: string | undefined }> {
  try {
    const { items, metadata } = await cluster.pods.listNamespacedPod({
      namespace: cluster.namespace,
      labelSelector: selector,
      limit,
      ...(from === undefined ? {} : { _continue: from }),
    });
    const next = metadata?._continue;
    return { items, next: next === "" ? undefined : next };
  } catch (error) {
    throw apiFailure({ action: "list pods" }, error);
  }
}

/** `undefined` where a hash has lied. */
function infoOf(pod: V1Pod, wanted: Labels): SandboxInfo | undefined {
  const { metadata } = pod;
  const name = metadata?.name;
  const createdAt = metadata?.creationTimestamp?.getTime();
  const facts = podFacts(metadata?.labels, metadata?.annotations);
  if (name === undefined || facts === undefined) return undefined;
  if (!hasLabels(facts.labels, wanted)) return undefined;
  return {
    id: name,
    labels: facts.labels,
    running: isRunning(pod),
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}
