import {
  type Availability,
  type CreateOptions,
  type JsonObject,
  type Labels,
  type SandboxCapabilities,
  type SandboxInfo,
  type SandboxProvider,
  type SandboxSpec,
  type Snapshot,
  type SnapshotStore,
  unavailable,
} from "../../src/kit.ts";
import { connectSandbox, createSandbox, ownLabels } from "./create-sandbox.ts";
import { type E2bOptions, resolveE2bOptions } from "./e2b-options.ts";
import type { E2bSandbox } from "./e2b-sandbox.ts";
import { E2bService, providerName } from "./e2b-service.ts";

/**
 * Runs sandboxes in E2B's cloud, or in an installation of one's own. Needs the package `e2b` and an API key.
 *
 * @throws TypeError for options that are wrong.
 *
 * @example
 * ```ts
 * const sandbox = e2b({ template: "my-agents", timeoutMs: 300_000 });
 * ```
 */
export function e2b(options: E2bOptions = {}): SandboxProvider<E2bSandbox> {
  return new E2bProvider(new E2bService(resolveE2bOptions(options)));
}

class E2bProvider implements SandboxProvider<E2bSandbox> {
  readonly name = providerName;
  readonly capabilities: SandboxCapabilities = {
    stdin: "native",
    signals: "emulated",
    users: "native",
    files: "native",
    detach: "native",
    diesWithHost: "emulated",
    backpressure: "native",
    isolation: "machine",
    abilities: ["snapshot", "pause", "expose", "terminal", "extend", "network-policy", "metrics", "watch"],
  };
  readonly snapshots: SnapshotStore = {
    find: (name) => this.#findSnapshot(name),
    remove: (id) => this.#removeSnapshot(id),
  };
  readonly #service: E2bService;

  constructor(service: E2bService) {
    this.#service = service;
  }

  async check(): Promise<Availability> {
    try {
      const connection = this.#service.connection();
      const { Sandbox } = await this.#service.load();
      await this.#service.call({ action: "list sandboxes" }, () =>
        Sandbox.list({ ...connection, limit: 1 }).nextItems(),
      );
      return { available: true };
    } catch (error) {
      return unavailable(error, {
        credential: "Give the option apiKey, or set E2B_API_KEY, to a key of your team.",
        other: "Look at the reason.",
      });
    }
  }

  create(spec: SandboxSpec, options: CreateOptions = {}): Promise<E2bSandbox> {
    return createSandbox(this.#service, spec, options);
  }

  connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    options: CreateOptions = {},
  ): Promise<E2bSandbox> {
    return connectSandbox(this.#service, id, spec, options);
  }

  async *list({ labels = {} }: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const connection = this.#service.connection();
    const { Sandbox } = await this.#service.load();
    const metadata = { ...labels, [ownLabels.provider]: providerName };
    const pages = Sandbox.list({ ...connection, query: { metadata } });
    while (pages.hasNext) {
      const page = await this.#service.callAgain({ action: "list sandboxes" }, () => pages.nextItems());
      for (const { sandboxId, metadata: own, startedAt, state } of page) {
        yield {
          id: sandboxId,
          labels: own,
          createdAt: startedAt.getTime(),
          running: state === "running",
        };
      }
    }
  }

  describe(): JsonObject {
    const { template, snapshot, timeoutMs, domain, apiUrl, requestTimeoutMs } = this.#service.settings;
    return {
      template: snapshot ?? template,
      timeoutMs,
      requestTimeoutMs,
      ...(domain === undefined ? {} : { domain }),
      ...(apiUrl === undefined ? {} : { apiUrl }),
    };
  }

  async #findSnapshot(name: string): Promise<Snapshot | undefined> {
    const connection = this.#service.connection();
    const { Sandbox } = await this.#service.load();
    const pages = Sandbox.listSnapshots({ ...connection, name });
    const page = await this.#service.callAgain({ action: "list snapshots" }, () => pages.nextItems());
    const found = page.find(({ names }) => names.some((full) => plainName(full) === name));
    return found && { id: found.snapshotId };
  }

  async #removeSnapshot(id: string): Promise<void> {
    const connection = this.#service.connection();
    const { Sandbox } = await this.#service.load();
    await this.#service.callAgain({ action: "remove a snapshot" }, () =>
      Sandbox.deleteSnapshot(id, connection),
    );
  }
}

/** `project/name:tag` → `name`. */
function plainName(full: string): string {
  return (full.split("/").at(-1) ?? full).replace(/:[^:]*$/, "");
}
