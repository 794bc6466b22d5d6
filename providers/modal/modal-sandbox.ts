import type { Sandbox as VendorSandbox } from "modal";
import {
  type CanExpose,
  type CanOpenTerminal,
  type CanSetNetworkPolicy,
  type CanSnapshot,
  type ExposedPort,
  type FileOptions,
  type NetworkPolicy,
  RemoteSandbox,
  SandboxAgentError,
  type Snapshot,
  type SnapshotOptions,
  type Terminal,
  type TerminalOptions,
  abortable,
  undoneWhenAborted,
} from "../../src/kit.ts";
import { modalFailure } from "./modal-errors.ts";
import type { ModalMachine } from "./modal-machine.ts";
import type { ModalSnapshots } from "./modal-snapshots.ts";
import { networkUpdate } from "./network-update.ts";

/** A sandbox of Modal, with what it can do beside the rest. */
export class ModalSandbox
  extends RemoteSandbox
  implements CanSnapshot, CanExpose, CanOpenTerminal, CanSetNetworkPolicy
{
  readonly #machine: ModalMachine;
  readonly #snapshots: ModalSnapshots;

  constructor(machine: ModalMachine, snapshots: ModalSnapshots) {
    super(machine);
    this.#machine = machine;
    this.#snapshots = snapshots;
  }

  /** Keeps the whole file system as an image, until it is removed. */
  async snapshot({ name, signal }: SnapshotOptions = {}): Promise<Snapshot> {
    this.assertOpen();
    const taken = this.#call("take a snapshot", (sandbox) => this.#snapshots.take(sandbox, name));
    return undoneWhenAborted(taken, signal, ({ id }) => this.#snapshots.remove(id));
  }

  /** Reachable with the header alone, which names the port, too. */
  async expose(port: number, { signal }: FileOptions = {}): Promise<ExposedPort> {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new TypeError(`expose(): a port is a whole number from 1 to 65535, received ${String(port)}.`);
    }
    this.assertOpen();
    const asked = this.#call("expose a port", (sandbox) => sandbox.createConnectToken({ port }));
    const { url, token } = await abortable(asked, signal);
    return { url: url.replace(/\/$/, ""), headers: { authorization: `Bearer ${token}` } };
  }

  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    return this.openTerminal((argv) => this.#machine.openTerminal(argv), options);
  }

  /** Connections that the new policy does not allow are ended. */
  async setNetworkPolicy(policy: NetworkPolicy): Promise<void> {
    this.assertOpen();
    await this.#call("set a network policy", (sandbox) => sandbox.updateNetworkPolicy(networkUpdate(policy)));
  }

  async #call<Value>(action: string, work: (sandbox: VendorSandbox) => Promise<Value>): Promise<Value> {
    const { id, vendor } = this.#machine;
    try {
      return await work(vendor);
    } catch (error) {
      const failure = modalFailure({ action, id }, error);
      if (failure.code !== "sandbox_not_found") throw failure;
      throw new SandboxAgentError("sandbox_lost", `The sandbox ${id} has ended.`, {
        details: { id },
        cause: error,
      });
    }
  }
}
