import {
  type CanExpose,
  type CanExtend,
  type CanMeasure,
  type CanOpenTerminal,
  type CanPause,
  type CanSetNetworkPolicy,
  type CanSnapshot,
  type CanWatchFiles,
  type ExposedPort,
  type FileChange,
  type FileOptions,
  type NetworkPolicy,
  RemoteSandbox,
  type SandboxMetrics,
  type Snapshot,
  type SnapshotOptions,
  type Terminal,
  type TerminalOptions,
  abortable,
  filesFromSpawn,
} from "../../src/kit.ts";
import { e2bFiles } from "./e2b-files.ts";
import type { E2bMachine } from "./e2b-machine.ts";
import { openTerminal } from "./e2b-terminal.ts";
import { type NetworkUpdate, networkUpdate } from "./network-update.ts";
import { watchFiles } from "./watch-files.ts";

/** A sandbox of E2B, with what it can do beside the rest. */
export class E2bSandbox
  extends RemoteSandbox
  implements
    CanSnapshot,
    CanPause,
    CanExpose,
    CanOpenTerminal,
    CanExtend,
    CanSetNetworkPolicy,
    CanMeasure,
    CanWatchFiles
{
  readonly #machine: E2bMachine;

  constructor(machine: E2bMachine) {
    const own = {
      assertOpen: (): void => undefined,
      derived: () => filesFromSpawn(() => Promise.reject(new Error("Not yet.")), { cwd: machine.cwd }),
    };
    super(machine, e2bFiles({ machine, assertOpen: () => own.assertOpen(), derived: () => own.derived() }));
    this.#machine = machine;
    const derived = filesFromSpawn((command, options) => this.spawn(command, options), { cwd: machine.cwd });
    own.derived = () => derived;
    own.assertOpen = () => {
      this.assertOpen();
    };
  }

  /** Keeps the files and the memory, processes and their variables included; connections are cut for a moment. */
  async snapshot({ name, signal }: SnapshotOptions = {}): Promise<Snapshot> {
    const { snapshotId } = await this.#call(
      "make a snapshot",
      (handle) => handle.createSnapshot(name === undefined ? {} : { name }),
      signal,
    );
    return { id: snapshotId };
  }

  /** Processes go on at `resume()`, but those started before cannot be followed any more. */
  async pause(): Promise<void> {
    await this.#call("pause a sandbox", (handle) => handle.pause());
  }

  async resume(): Promise<void> {
    const { timeoutMs } = this.#machine.service.settings;
    await this.#call("resume a sandbox", (handle) => handle.connect({ timeoutMs }));
  }

  async expose(port: number, options: FileOptions = {}): Promise<ExposedPort> {
    this.assertOpen();
    options.signal?.throwIfAborted();
    const { handle, service } = this.#machine;
    const token = handle.trafficAccessToken;
    const access = token === undefined ? {} : { "e2b-traffic-access-token": token };
    const { sandboxUrl } = service.settings;
    if (sandboxUrl !== undefined) {
      const target = { "E2b-Sandbox-Id": handle.sandboxId, "E2b-Sandbox-Port": String(port) };
      return { url: sandboxUrl.replace(/\/$/, ""), headers: { ...target, ...access } };
    }
    const url = `https://${handle.getHost(port)}`;
    return token === undefined ? { url } : { url, headers: access };
  }

  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    this.assertOpen();
    const release = this.hold();
    try {
      const terminal = await openTerminal(this.#machine, options);
      terminal.exited.then(release, release);
      return terminal;
    } catch (error) {
      release();
      throw error;
    }
  }

  async extend(durationMs: number): Promise<void> {
    await this.#call("extend a sandbox", (handle) => handle.setTimeout(durationMs));
  }

  async setNetworkPolicy(policy: NetworkPolicy): Promise<void> {
    const update: NetworkUpdate = networkUpdate(policy);
    await this.#call("set a network policy", (handle) => handle.updateNetwork(update));
  }

  async metrics(): Promise<SandboxMetrics> {
    const measured = await this.#call("measure a sandbox", (handle) => handle.getMetrics());
    const last = measured.at(-1);
    if (last !== undefined) {
      return {
        cpus: (last.cpuUsedPct / 100) * last.cpuCount,
        memoryBytes: last.memUsed,
        memoryLimitBytes: last.memTotal,
        diskBytes: last.diskUsed,
      };
    }
    // Nothing is measured in a sandbox's first seconds.
    const { memoryMB } = await this.#call("measure a sandbox", (handle) => handle.getInfo());
    return { memoryLimitBytes: memoryMB * 2 ** 20 };
  }

  async *watch(path: string, options: FileOptions = {}): AsyncGenerator<FileChange, undefined> {
    this.assertOpen();
    const release = this.hold();
    try {
      yield* watchFiles(this.#machine, path, options);
    } finally {
      release();
    }
  }

  async #call<Value>(
    action: string,
    work: (handle: E2bMachine["handle"]) => Promise<Value>,
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
