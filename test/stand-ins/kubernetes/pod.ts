import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Fleet } from "../kit/fleet.ts";
import type { MachineProcess, StandInMachine } from "../kit/machines.ts";
import type { PodManifest } from "./validation.ts";

/** Images that do not work, and how. */
export const standInImages = {
  missing: "registry.example/not-there:1",
  noShell: "registry.example/distroless:1",
} as const;

type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

/** A pod with one container. */
export class StandInPod {
  readonly uid = randomUUID();
  readonly namespace: string;
  readonly manifest: PodManifest;
  readonly createdAt = new Date();
  phase: Phase = "Pending";
  machine: StandInMachine | undefined;
  readonly #fleet: Fleet;
  readonly #tell: (type: "MODIFIED" | "DELETED") => void;
  #main: MachineProcess | undefined;
  #mainEnded: Promise<unknown> = Promise.resolve();
  #state: object = { waiting: { reason: "ContainerCreating" } };
  #reason: { readonly reason?: string; readonly message?: string } = {};
  #conditions: readonly object[] = [];
  #deletedAt: Date | undefined;
  #removal: Promise<void> | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #starting: Promise<void> = Promise.resolve();

  /** As the cluster has it, of all objects together. */
  resourceVersion = "0";

  /** `tell` is called at each change; a pod that is `"DELETED"` is to be forgotten. */
  constructor(
    namespace: string,
    manifest: PodManifest,
    fleet: Fleet,
    tell: (type: "MODIFIED" | "DELETED") => void,
  ) {
    this.#fleet = fleet;
    this.namespace = namespace;
    this.manifest = manifest;
    this.#tell = tell;
  }

  get isDeleted(): boolean {
    return this.#deletedAt !== undefined;
  }

  start(delayMs: number): void {
    if (this.manifest.hasNodeSelector) {
      const message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
      this.#conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
      this.#tell("MODIFIED");
      return;
    }
    // It fails when the cluster stops meanwhile.
    this.#starting = this.#start(delayMs).catch(() => undefined);
  }

  async #start(delayMs: number): Promise<void> {
    await delay(delayMs);
    const { container, activeDeadlineSeconds } = this.manifest;
    if (this.isDeleted) return;
    if (container.image === standInImages.missing) {
      const message = `failed to resolve reference "${container.image}": not found`;
      this.#state = { waiting: { reason: "ErrImagePull", message } };
      this.#tell("MODIFIED");
      await delay(delayMs);
      this.#state = {
        waiting: { reason: "ImagePullBackOff", message: `Back-off pulling image: ${message}` },
      };
      this.#tell("MODIFIED");
      return;
    }
    if (container.image === standInImages.noShell) {
      const words = `exec: "${container.command[0]}": stat ${container.command[0]}: no such file or directory`;
      const message = `failed to create containerd task: OCI runtime create failed: ${words}: unknown`;
      this.#state = { terminated: { reason: "StartError", exitCode: 128, message } };
      this.phase = "Failed";
      this.#tell("MODIFIED");
      return;
    }
    this.machine = await this.#fleet.create({ id: this.uid });
    this.#main = await this.machine.spawn({ argv: container.command, env: this.env });
    this.#main.stdout.resume();
    this.#main.stderr.resume();
    this.#state = { running: { startedAt: new Date().toISOString() } };
    this.phase = "Running";
    this.#tell("MODIFIED");
    this.#mainEnded = this.#main.exited.then(({ code }) => this.#end(code ?? 137));
    if (activeDeadlineSeconds === undefined) return;
    this.#deadline = setTimeout(
      () => {
        this.#reason = {
          reason: "DeadlineExceeded",
          message: "Pod was active on the node longer than the specified deadline",
        };
        this.#main?.signal("SIGKILL");
      },
      Math.min(activeDeadlineSeconds * 1000, 2 ** 31 - 1),
    );
    this.#deadline.unref();
  }

  /** What the image gives to every process. */
  get env(): { readonly [name: string]: string } {
    const { folder = "" } = this.machine ?? {};
    return { TMPDIR: folder, KUBERNETES_SERVICE_HOST: "127.0.0.1" };
  }

  async #end(code: number): Promise<void> {
    clearTimeout(this.#deadline);
    await this.machine?.endProcesses();
    this.phase = code === 0 ? "Succeeded" : "Failed";
    this.#state = { terminated: { reason: code === 0 ? "Completed" : "Error", exitCode: code } };
    this.#tell("MODIFIED");
  }

  /** Asks the main process to end, kills what is left, and forgets the pod. */
  remove(gracePeriodSeconds: number): Promise<void> {
    this.#deletedAt ??= new Date();
    this.#tell(gracePeriodSeconds === 0 ? "DELETED" : "MODIFIED");
    this.#removal ??= this.#remove(gracePeriodSeconds);
    return this.#removal;
  }

  async #remove(gracePeriodSeconds: number): Promise<void> {
    await this.#starting;
    this.#main?.signal("SIGTERM");
    const grace = new AbortController();
    const patience = delay(gracePeriodSeconds * 1000, undefined, { signal: grace.signal }).catch(
      () => undefined,
    );
    await Promise.race([this.#mainEnded, patience]);
    grace.abort();
    this.#main?.signal("SIGKILL");
    await this.#mainEnded;
    await this.machine?.destroy();
    this.#tell("DELETED");
  }

  async usage(): Promise<{ readonly cpu: string; readonly memory: string }> {
    let [ticks, pages] = [0, 0];
    for (const pid of (await this.machine?.processes()) ?? []) {
      const [stat, statm] = await Promise.all(
        ["stat", "statm"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
      );
      const fields = (stat ?? "").slice((stat ?? "").lastIndexOf(")") + 2).split(" ");
      ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
      pages += Number((statm ?? "").split(" ")[1] ?? 0);
    }
    const seconds = Math.max(1, (Date.now() - this.createdAt.getTime()) / 1000);
    return { cpu: `${Math.ceil((ticks * 1e7) / seconds)}n`, memory: `${pages * 4}Ki` };
  }

  toJson(): object {
    const { name, container, raw } = this.manifest;
    const metadata = raw["metadata"] as object;
    return {
      ...raw,
      metadata: {
        ...metadata,
        namespace: this.namespace,
        uid: this.uid,
        resourceVersion: this.resourceVersion,
        creationTimestamp: this.createdAt.toISOString(),
        ...(this.#deletedAt === undefined ? {} : { deletionTimestamp: this.#deletedAt.toISOString() }),
      },
      status: {
        phase: this.phase,
        ...this.#reason,
        conditions: this.#conditions,
        containerStatuses: [
          {
            name: container.name,
            image: container.image,
            imageID: "",
            ready: this.phase === "Running",
            restartCount: 0,
            state: this.#state,
          },
        ],
        hostIP: "127.0.0.1",
        podIP: "127.0.0.1",
        qosClass: "BestEffort",
        message: this.#reason.message ?? "",
        ...(name === "" ? {} : { startTime: this.createdAt.toISOString() }),
      },
    };
  }
}
