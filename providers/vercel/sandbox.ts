import type { Sandbox as VercelHandle } from "@vercel/sandbox";
import {
  type CanExpose,
  type CanExtend,
  type CanSetNetworkPolicy,
  type CanSnapshot,
  type ExposedPort,
  type FileOptions,
  type NetworkPolicy,
  RemoteSandbox,
  type Sandbox,
  type Snapshot,
  type SnapshotOptions,
  abortable,
} from "../../src/kit.ts";
import { vendorFiles } from "./files.ts";
import { type VercelFacts, VercelMachine } from "./machine.ts";
import type { Service } from "./service.ts";
import { takeSnapshot } from "./snapshots.ts";

/** What a sandbox of `vercel()` can do. */
export interface VercelSandbox extends Sandbox, CanExpose, CanExtend, CanSetNetworkPolicy, CanSnapshot {}

export class VercelBox extends RemoteSandbox implements VercelSandbox {
  readonly #service: Service;
  readonly #machine: VercelMachine;
  #changingPorts: Promise<unknown> = Promise.resolve();

  /** `isImageUser` tells whether processes belong to the image's user, whose files the vendor's own are. */
  constructor(
    service: Service,
    handle: VercelHandle,
    facts: VercelFacts & { readonly isImageUser: boolean },
  ) {
    const machine = new VercelMachine(service, handle, facts);
    super(machine, facts.isImageUser ? vendorFiles(service, machine) : {});
    this.#service = service;
    this.#machine = machine;
  }

  async expose(port: number, options: FileOptions = {}): Promise<ExposedPort> {
    this.assertOpen();
    // The list of ports is written as a whole, one change after the other.
    const exposing = this.#changingPorts.then(() => this.#expose(port));
    this.#changingPorts = exposing.catch(() => undefined);
    return abortable(exposing, options.signal);
  }

  async extend(durationMs: number): Promise<void> {
    this.assertOpen();
    await this.#machine.extend(durationMs);
  }

  async setNetworkPolicy(policy: NetworkPolicy): Promise<void> {
    this.assertOpen();
    const networkPolicy = typeof policy === "string" ? policy : { allow: [...policy.allow] };
    await this.#service.call({ action: "set the network policy", id: this.id }, () =>
      this.#machine.handle.currentSession().update({ networkPolicy }),
    );
  }

  async snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
    this.assertOpen();
    options.signal?.throwIfAborted();
    const { name } = options;
    const snapshot = await abortable(takeSnapshot(this.#service, this.#machine.handle, name), options.signal);
    // What it was of has ended, and its record has become the snapshot's.
    this.#machine.isRecord = name !== undefined;
    return snapshot;
  }

  async #expose(port: number): Promise<ExposedPort> {
    const { handle } = this.#machine;
    const known = addressOf(handle, port);
    if (known !== undefined) return known;
    const ports = [...new Set([...handle.routes.map((route) => route.port), port])];
    await this.#service.call({ action: `make port ${port} reachable`, id: this.id }, () =>
      handle.update({ ports }),
    );
    const made = addressOf(handle, port);
    if (made === undefined) throw new Error(`The service has no address for port ${port}.`);
    return made;
  }
}

function addressOf(handle: VercelHandle, port: number): ExposedPort | undefined {
  const route = handle.routes.find((each) => each.port === port);
  if (route === undefined) return undefined;
  return { url: /^https?:/.test(route.url) ? route.url.replace(/\/$/, "") : handle.domain(port) };
}
