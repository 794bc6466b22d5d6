import type { V1Pod } from "@kubernetes/client-node";
import { SandboxAgentError } from "../../src/kit.ts";
import { apiFailure, providerName, statusOf } from "./api-errors.ts";
import type { Cluster } from "./cluster.ts";
import { type PodNews, PodWatch } from "./pod-watch.ts";

/** Reads a pod; `undefined` when there is none. */
export async function readPod(cluster: Cluster, name: string): Promise<V1Pod | undefined> {
  try {
    return await cluster.pods.readNamespacedPod({ name, namespace: cluster.namespace });
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw apiFailure({ action: `read the pod ${name}`, id: name }, error);
  }
}

/** Whether processes can be started in it. One that is being deleted is as good as gone. */
export function isRunning(pod: V1Pod): boolean {
  return pod.status?.phase === "Running" && pod.metadata?.deletionTimestamp === undefined;
}

export function hasEnded(pod: V1Pod): boolean {
  const phase = pod.status?.phase;
  return phase === "Succeeded" || phase === "Failed" || pod.metadata?.deletionTimestamp !== undefined;
}

const firstPollMs = 100;
const longestPollMs = 1000;
/** While it is watched, as well. */
const watchedPollMs = 2000;
/** After so long a node that does not answer is not waited for. */
const forceAfterMs = 30_000;

/** Resolves when a pod may be another than before: at a change, or when it is time to look. */
export class PodPatience {
  readonly #watch: PodWatch;
  #pauseMs = firstPollMs;

  constructor(watch: PodWatch) {
    this.#watch = watch;
  }

  async wait(signal?: AbortSignal): Promise<PodNews> {
    if (!this.#watch.isOver) return this.#watch.next(watchedPollMs, signal);
    const news = await this.#watch.next(this.#pauseMs, signal);
    this.#pauseMs = Math.min(this.#pauseMs * 1.5, longestPollMs);
    return news;
  }
}

/** Deletes a pod and waits until it is gone with all its processes. One that is gone already is fine. */
export async function deletePod(cluster: Cluster, name: string): Promise<void> {
  const deleted = await requestDeletion(cluster, name, 1);
  if (deleted === undefined) return;
  const startedAt = performance.now();
  const watch = PodWatch.open(cluster, name, deleted.metadata?.resourceVersion);
  const patience = new PodPatience(watch);
  try {
    for (let news = await patience.wait(); news !== "gone"; news = await patience.wait()) {
      if (news === "nothing" && (await readPod(cluster, name)) === undefined) return;
      if (performance.now() - startedAt <= forceAfterMs) continue;
      // The API server then forgets it at once; the node ends it when it is heard of again.
      await requestDeletion(cluster, name, 0);
      return;
    }
  } finally {
    watch.close();
  }
}

/** Resolves to the pod as it is now; `undefined` where there is none. */
async function requestDeletion(
  cluster: Cluster,
  name: string,
  gracePeriodSeconds: number,
): Promise<V1Pod | undefined> {
  try {
    const { namespace } = cluster;
    return await cluster.pods.deleteNamespacedPod({ name, namespace, gracePeriodSeconds });
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw apiFailure({ action: `delete the pod ${name}`, id: name }, error);
  }
}

/** Reasons of a waiting container that come right by themselves at best when somebody mends the image's name. */
const imageFailures = new Set(["ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"]);
const otherFailures = new Set([
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "CrashLoopBackOff",
]);

/** Why a pod will not run, or `undefined` as long as it may. */
export function startFailure(pod: V1Pod, image: string): SandboxAgentError | undefined {
  const { status } = pod;
  const phase = status?.phase;
  const container = status?.containerStatuses?.[0];
  const waiting = container?.state?.waiting;
  if (waiting?.reason !== undefined && imageFailures.has(waiting.reason)) {
    return new SandboxAgentError(
      "image_unavailable",
      `The image ${JSON.stringify(image)} cannot be used: ${waiting.message ?? waiting.reason}`,
      { details: { image } },
    );
  }
  if (waiting?.reason !== undefined && otherFailures.has(waiting.reason)) {
    return createFailure(`${waiting.reason}: ${waiting.message ?? "it gave no reason"}`, image);
  }
  if (pod.metadata?.deletionTimestamp !== undefined) return createFailure("Somebody has deleted it.", image);
  if (phase !== "Failed" && phase !== "Succeeded") return undefined;
  const ended = container?.state?.terminated;
  const words = [status?.reason, status?.message, ended?.reason, ended?.message].filter(
    (word) => word !== undefined && word !== "",
  );
  return createFailure(words.join(": ") || "It ended at once.", image);
}

function createFailure(why: string, image: string): SandboxAgentError<"sandbox_create_failed"> {
  const noShell = /\/bin\/sh"?: (?:stat|no such file)|exec: "?\/bin\/sh/.test(why);
  return new SandboxAgentError(
    "sandbox_create_failed",
    noShell
      ? `The image ${JSON.stringify(image)} has no /bin/sh, which every sandbox needs.`
      : `The pod does not run. ${why}`,
    {
      details: { provider: providerName },
      ...(noShell ? { remedy: "Choose an image with a POSIX shell; a distroless image has none." } : {}),
    },
  );
}

/** What keeps a pod from running, for whoever waits. */
export function startProgress(pod: V1Pod): { readonly phase: "pull" | "create"; readonly message: string } {
  const unscheduled = pod.status?.conditions?.find(
    ({ type, status }) => type === "PodScheduled" && status === "False",
  );
  if (unscheduled !== undefined) {
    return { phase: "create", message: `No node takes the pod: ${unscheduled.message ?? "it waits"}` };
  }
  const waiting = pod.status?.containerStatuses?.[0]?.state?.waiting;
  if (waiting?.reason === "ErrImagePull") {
    return {
      phase: "pull",
      message: `The image could not be fetched: ${waiting.message ?? "it is tried again"}`,
    };
  }
  if (waiting?.reason === "ContainerCreating") {
    return { phase: "pull", message: "The node fetches the image and makes the container" };
  }
  return { phase: "create", message: "The pod waits for a node" };
}
