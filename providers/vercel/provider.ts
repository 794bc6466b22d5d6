import {
  type Availability,
  type CreateOptions,
  type Labels,
  SandboxAgentError,
  type SandboxCapabilities,
  type SandboxInfo,
  type SandboxProvider,
  type SandboxSpec,
  type SnapshotStore,
  abortable,
  hasLabels,
  sandboxNotFound,
  unavailable,
} from "../../src/kit.ts";
import { boxOf, createSandbox, namePrefix } from "./create-sandbox.ts";
import { isRunning, removeSandbox } from "./machine.ts";
import { type VercelOptions, type VercelSettings, resolveVercelOptions } from "./options.ts";
import type { VercelSandbox } from "./sandbox.ts";
import { type Service, credentialRemedy, openService, providerName } from "./service.ts";
import { snapshotStore } from "./snapshots.ts";
import { isOver, labelsIn, ownLabels, ownTag } from "./tags.ts";

/**
 * Makes a provider that runs each sandbox in a micro machine of Vercel's.
 *
 * It needs the package `@vercel/sandbox`, and a token, a team and a project (see `VercelOptions`). A sandbox that nobody
 * uses any more, since its host died for example, ends after `timeoutMs`.
 *
 * @throws TypeError for a wrong option, with its name.
 *
 * @example
 * ```ts
 * import { SandboxAgent } from "playpen";
 * import { claude } from "playpen/claude";
 * import { vercel } from "playpen/vercel";
 *
 * await using box = await SandboxAgent.start({
 *   sandbox: vercel({ cpus: 2, region: "fra1" }),
 *   agent: claude(),
 * });
 * ```
 */
export function vercel(options: VercelOptions = {}): SandboxProvider<VercelSandbox> {
  return new VercelProvider(resolveVercelOptions(options));
}

class VercelProvider implements SandboxProvider<VercelSandbox> {
  readonly name = providerName;
  readonly capabilities: SandboxCapabilities = {
    stdin: "emulated",
    signals: "emulated",
    users: "emulated",
    files: "native",
    detach: "emulated",
    renewsExpiry: true,
    diesWithHost: "emulated",
    backpressure: "emulated",
    isolation: "machine",
    abilities: ["snapshot", "expose", "extend", "network-policy"],
  };
  readonly snapshots: SnapshotStore = snapshotStore(() => this.#open());
  readonly #settings: VercelSettings;
  #service: Promise<Service> | undefined;

  constructor(settings: VercelSettings) {
    this.#settings = settings;
  }

  async check(): Promise<Availability> {
    try {
      const service = await this.#open();
      const { sdk, access } = service;
      await service.call({ action: "list sandboxes" }, () => sdk.Sandbox.list({ ...access, limit: 1 }));
      return { available: true };
    } catch (error) {
      return unavailable(error, { credential: credentialRemedy, other: "Look at the reason." });
    }
  }

  async create(spec: SandboxSpec, options: CreateOptions = {}): Promise<VercelSandbox> {
    options.signal?.throwIfAborted();
    const service = await abortable(this.#open(), options.signal);
    return createSandbox(service, this.#settings, spec, options);
  }

  async connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    options: CreateOptions = {},
  ): Promise<VercelSandbox> {
    options.signal?.throwIfAborted();
    const service = await abortable(this.#open(), options.signal);
    return abortable(this.#connect(service, id, spec), options.signal);
  }

  async *list(filter: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const service = await this.#open();
    const { sdk, access } = service;
    const action = { action: "list sandboxes" };
    // The vendor takes one tag, or the beginning of the name.
    const found = await service.call(action, () => sdk.Sandbox.list({ ...access, tags: { ...ownTag } }));
    const all = await service.call(action, () => found.toArray());
    for (const { name, tags, status, createdAt } of all) {
      const labels = labelsIn(tags);
      if (labels === undefined || !name.startsWith(namePrefix)) continue;
      if (!isRunning(status) || isOver(labels)) {
        await this.#removeEnded(service, name);
        continue;
      }
      if (!hasLabels(labels, filter.labels)) continue;
      yield { id: name, labels, running: true, createdAt };
    }
  }

  describe() {
    const { baseUrl, image, snapshot, cpus, timeoutMs, region, ports, cwd, user } = this.#settings;
    return {
      baseUrl,
      timeoutMs,
      ports: [...ports],
      ...(image === undefined ? {} : { image }),
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(region === undefined ? {} : { region }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(user === undefined ? {} : { user }),
    };
  }

  async #connect(
    service: Service,
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
  ): Promise<VercelSandbox> {
    // Anything else would be another path of the service.
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(id))
      throw sandboxNotFound(providerName, id, "That is no sandbox's name.");
    const { sdk, access } = service;
    const handle = await service.call({ action: "find a sandbox", id }, () =>
      sdk.Sandbox.get({ ...access, name: id, resume: false }),
    );
    const labels = labelsIn(handle.tags);
    if (labels === undefined)
      throw sandboxNotFound(providerName, id, "There is such a sandbox, but it is not this library's.");
    if (!isRunning(handle.status) || isOver(labels)) {
      await removeSandbox(service, handle);
      throw sandboxNotFound(providerName, id, "It has ended.");
    }
    return boxOf(service, this.#settings, handle, {
      cwd: spec.cwd ?? labels[ownLabels.cwd],
      labels,
      env: { ...this.#settings.env, ...spec.env },
      keptAliveMs: this.#settings.timeoutMs,
    });
  }

  /** What has ended stays in the vendor's lists, else. */
  async #removeEnded(service: Service, name: string): Promise<void> {
    const { sdk, access } = service;
    try {
      const handle = await service.call({ action: "find a sandbox", id: name }, () =>
        sdk.Sandbox.get({ ...access, name, resume: false }),
      );
      await removeSandbox(service, handle);
    } catch (error) {
      if (!SandboxAgentError.is(error, "sandbox_not_found")) throw error;
    }
  }

  async #open(): Promise<Service> {
    this.#service ??= openService(this.#settings).catch((error: unknown) => {
      this.#service = undefined;
      throw error;
    });
    return this.#service;
  }
}
