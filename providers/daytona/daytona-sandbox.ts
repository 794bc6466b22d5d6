import {
  type CanExpose,
  type CanExtend,
  type CanFork,
  type CanMeasure,
  type CanOpenTerminal,
  type CanPause,
  type CanSetNetworkPolicy,
  type CanSnapshot,
  type ExposedPort,
  type FileOptions,
  type Labels,
  type NetworkPolicy,
  RemoteSandbox,
  type SandboxMetrics,
  type Snapshot,
  type SnapshotOptions,
  type Terminal,
  type TerminalOptions,
  abortable,
  undoneWhenAborted,
} from "../../src/kit.ts";
import type { DaytonaMachine } from "./daytona-machine.ts";
import { type DaytonaHandle, minutesOf } from "./daytona-service.ts";
import { DaytonaSnapshots } from "./daytona-snapshots.ts";
import { terminalsOf } from "./daytona-terminal.ts";

/** Makes another sandbox of this one, with these labels beside its own. */
export type Fork = (machine: DaytonaMachine, labels: Labels) => Promise<DaytonaSandbox>;

/** A sandbox of Daytona, with what it can do beside the rest. */
export class DaytonaSandbox
  extends RemoteSandbox
  implements
    CanExpose,
    CanExtend,
    CanFork,
    CanMeasure,
    CanOpenTerminal,
    CanPause,
    CanSetNetworkPolicy,
    CanSnapshot
{
  readonly #machine: DaytonaMachine;
  readonly #fork: Fork;

  constructor(machine: DaytonaMachine, fork: Fork) {
    super(machine);
    this.#machine = machine;
    this.#fork = fork;
  }

  /** Processes go on at `resume()`; a turn that runs meanwhile ends with `sandbox_lost`. */
  async pause(): Promise<void> {
    await this.#call("pause a sandbox", async (handle) => {
      await handle.refreshData();
      if (handle.state !== "paused") await handle.pause();
    });
  }

  async resume(): Promise<void> {
    await this.#call("resume a sandbox", async (handle) => {
      await handle.refreshData();
      if (handle.state !== "started") await handle.start();
    });
  }

  /** Keeps the files; the memory is not kept. */
  async snapshot({ name, signal }: SnapshotOptions = {}): Promise<Snapshot> {
    this.assertOpen();
    const { service, handle } = this.#machine;
    const snapshots = new DaytonaSnapshots(service);
    const release = this.hold();
    const taken = snapshots.take(handle, name).finally(release);
    return undoneWhenAborted(taken, signal, ({ id }) => snapshots.remove(id));
  }

  async fork(
    options: { readonly labels?: Labels; readonly signal?: AbortSignal } = {},
  ): Promise<DaytonaSandbox> {
    this.assertOpen();
    const { labels = {}, signal } = options;
    signal?.throwIfAborted();
    const release = this.hold();
    const forked = this.#fork(this.#machine, labels).finally(release);
    return undoneWhenAborted(forked, signal, (unwanted) => unwanted.destroy());
  }

  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    return this.openTerminal(terminalsOf(this.#machine), options);
  }

  async expose(port: number, { signal }: FileOptions = {}): Promise<ExposedPort> {
    const { url, token } = await this.#call("expose a port", (handle) => handle.getPreviewLink(port), signal);
    return { url: url.replace(/\/$/, ""), headers: { "x-daytona-preview-token": token } };
  }

  async extend(durationMs: number): Promise<void> {
    await this.#call("extend a sandbox", (handle) => handle.setTtl(minutesOf(durationMs)));
  }

  async setNetworkPolicy(policy: NetworkPolicy): Promise<void> {
    await this.#call("set a network policy", (handle) => handle.updateNetworkSettings(settingsOf(policy)));
  }

  async metrics(): Promise<SandboxMetrics> {
    const measured = await this.#call("measure a sandbox", (handle) => handle.getMetricsLatest());
    return {
      cpus: (measured.cpuUsedPct / 100) * measured.cpuCount,
      memoryBytes: measured.memUsed,
      memoryLimitBytes: measured.memTotal,
      diskBytes: measured.diskUsed,
    };
  }

  async #call<Value>(
    action: string,
    work: (handle: DaytonaHandle) => Promise<Value>,
    signal?: AbortSignal,
  ): Promise<Value> {
    this.assertOpen();
    const { service, handle, id } = this.#machine;
    return abortable(
      service.call({ action, id }, () => work(handle)),
      signal,
    );
  }
}

interface NetworkSettings {
  readonly networkBlockAll: boolean;
  readonly networkAllowList: string;
  readonly domainAllowList: string;
}

/** In the vendor's words: addresses and names are two lists. */
export function settingsOf(policy: NetworkPolicy): NetworkSettings {
  if (policy === "allow-all" || policy === "deny-all") {
    return { networkBlockAll: policy === "deny-all", networkAllowList: "", domainAllowList: "" };
  }
  const isAddress = (host: string): boolean => /^[\d.]+(\/\d+)?$/.test(host);
  const addresses = policy.allow.filter(isAddress);
  return {
    networkBlockAll: false,
    networkAllowList: addresses.map((host) => (host.includes("/") ? host : `${host}/32`)).join(","),
    domainAllowList: policy.allow.filter((host) => !isAddress(host)).join(","),
  };
}
