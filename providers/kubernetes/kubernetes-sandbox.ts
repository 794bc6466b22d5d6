import {
  type CanExpose,
  type CanMeasure,
  type CanOpenTerminal,
  type ExposedPort,
  type FileOptions,
  RemoteSandbox,
  type SandboxMetrics,
  type Terminal,
  type TerminalOptions,
} from "../../src/kit.ts";
import type { KubernetesMachine } from "./kubernetes-machine.ts";
import { readMetrics } from "./metrics.ts";
import { PortForward } from "./port-forward.ts";
import { terminalsOf } from "./terminal.ts";

/** A pod. Beside what every sandbox can do, its ports can be reached, and it has terminals and metrics. */
export class KubernetesSandbox extends RemoteSandbox implements CanExpose, CanOpenTerminal, CanMeasure {
  readonly #machine: KubernetesMachine;
  readonly #forwards = new Map<number, Promise<PortForward>>();

  constructor(machine: KubernetesMachine) {
    super(machine);
    this.#machine = machine;
  }

  /**
   * Forwards a free port of this machine's loopback interface to a port of the pod, until the sandbox is destroyed or
   * let go of. Everybody on this machine can connect to it.
   */
  async expose(port: number, options: FileOptions = {}): Promise<ExposedPort> {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new TypeError(`expose(): a port is a whole number from 1 to 65535, received ${String(port)}.`);
    }
    options.signal?.throwIfAborted();
    this.assertOpen();
    let forward = this.#forwards.get(port);
    if (forward === undefined) {
      forward = PortForward.listen(this.#machine.cluster, this.id, port);
      this.#forwards.set(port, forward);
    }
    const { url } = await forward;
    return { url };
  }

  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    return this.openTerminal(terminalsOf(this.#machine), options);
  }

  async metrics(): Promise<SandboxMetrics> {
    this.assertOpen();
    return readMetrics(this.#machine.cluster, this.id, this.#machine.settings.memoryBytes);
  }

  override async detach(options: { readonly ttlMs: number }): Promise<void> {
    await super.detach(options);
    await this.#closeForwards();
  }

  override async destroy(): Promise<void> {
    await this.#closeForwards();
    await super.destroy();
  }

  async #closeForwards(): Promise<void> {
    const all = [...this.#forwards.values()];
    this.#forwards.clear();
    for (const forward of all) (await forward).close();
  }
}
