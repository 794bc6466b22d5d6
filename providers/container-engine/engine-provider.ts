import type Dockerode from "dockerode";
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
  unavailable,
} from "../../src/kit.ts";
import { connectSandbox } from "./connect-sandbox.ts";
import { labelFilter } from "./container-config.ts";
import { createSandbox, engineLost } from "./create-sandbox.ts";
import type { ContainerSettings } from "./container-options.ts";
import { isUnreachable, wordsOf } from "./engine-errors.ts";
import { type EngineSandbox, engineAbilities } from "./engine-sandbox.ts";
import { findEngine } from "./find-engine.ts";
import { visibleLabels } from "./inherited-labels.ts";
import { EngineSnapshots } from "./snapshots.ts";

/** Sandboxes as containers of an engine that speaks Docker's API. */
export class EngineProvider implements SandboxProvider<EngineSandbox> {
  readonly name: string;
  readonly capabilities: SandboxCapabilities = {
    stdin: "native",
    signals: "emulated",
    users: "native",
    files: "emulated",
    detach: "native",
    diesWithHost: "native",
    backpressure: "native",
    isolation: "container",
    abilities: engineAbilities,
  };
  readonly snapshots: SnapshotStore;
  readonly #settings: ContainerSettings;
  #engine: Promise<Dockerode> | undefined;

  constructor(settings: ContainerSettings) {
    this.name = settings.kind.name;
    this.#settings = settings;
    this.snapshots = new EngineSnapshots(this.name, (use) => this.#withEngine({}, use));
  }

  async check(): Promise<Availability> {
    try {
      const engine = await this.#findEngine();
      const { Version: version } = await engine.version();
      return { available: true, version };
    } catch (error) {
      const failure = SandboxAgentError.is(error) ? error : engineLost(this.#settings.kind, error);
      return unavailable(failure, { other: "Look at the reason." });
    }
  }

  create(spec: SandboxSpec, options: CreateOptions = {}): Promise<EngineSandbox> {
    return this.#withEngine(options, (engine) => createSandbox(engine, this.#settings, spec, options));
  }

  connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    options: CreateOptions = {},
  ): Promise<EngineSandbox> {
    return this.#withEngine(options, (engine) => connectSandbox(engine, this.#settings, id, spec, options));
  }

  async *list(filter: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const { labels: wanted = {} } = filter;
    const containers = await this.#withEngine({}, (engine) =>
      engine.listContainers({ all: true, filters: labelFilter(this.name, wanted) }),
    );
    for (const container of containers) {
      const labels = visibleLabels(container.Labels);
      // The engine cannot tell blanked labels from empty ones.
      if (!hasLabels(labels, wanted)) continue;
      yield {
        id: container.Id,
        labels,
        createdAt: container.Created * 1000,
        running: container.State === "running",
      };
    }
  }

  describe() {
    const { image, pull, cwd, user, network, ports, cpus, memoryBytes, pidsLimit, init, capDrop } =
      this.#settings;
    return {
      image,
      pull,
      cwd,
      network,
      ports: [...ports],
      pidsLimit,
      init,
      capDrop: [...capDrop],
      ...(user === undefined ? {} : { user }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    };
  }

  async #withEngine<Value>(
    { signal }: CreateOptions,
    use: (engine: Dockerode) => Promise<Value>,
  ): Promise<Value> {
    signal?.throwIfAborted();
    const engine = await abortable(this.#findEngine(), signal);
    try {
      return await use(engine);
    } catch (error) {
      if (SandboxAgentError.is(error, "provider_unavailable")) this.#engine = undefined;
      if (SandboxAgentError.is(error) || signal?.aborted === true) throw error;
      if (isUnreachable(error)) {
        this.#engine = undefined;
        throw engineLost(this.#settings.kind, error);
      }
      throw new SandboxAgentError(
        "provider_unavailable",
        `The ${this.#settings.kind.title} engine refused a request: ${wordsOf(error)}`,
        {
          details: { provider: this.name },
          cause: error,
        },
      );
    }
  }

  /** The search serves every caller, so that no caller's signal ends it. */
  async #findEngine(): Promise<Dockerode> {
    this.#engine ??= findEngine(this.#settings.kind, this.#settings).catch((error: unknown) => {
      this.#engine = undefined;
      throw error;
    });
    return this.#engine;
  }
}
