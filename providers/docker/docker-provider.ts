import type Dockerode from "dockerode";
import {
  type Availability,
  type CreateOptions,
  type Labels,
  type Sandbox,
  SandboxAgentError,
  type SandboxCapabilities,
  type SandboxInfo,
  type SandboxProvider,
  type SandboxSpec,
  abortable,
} from "../../src/kit.ts";
import { connectSandbox } from "./connect-sandbox.ts";
import { labelFilter } from "./container-config.ts";
import { providerName } from "./container-state.ts";
import { createSandbox, engineLost } from "./create-sandbox.ts";
import { type DockerOptions, type DockerSettings, resolveDockerOptions } from "./docker-options.ts";
import { isUnreachable, wordsOf } from "./engine-errors.ts";
import { findEngine } from "./find-engine.ts";

/**
 * Makes a provider that runs each sandbox in a container of Docker or Podman.
 *
 * A container ends within a second when the process that created it ends, however it ends, unless it was detached. The
 * engine is looked for at the first use: the option `socketPath` or `host`, else `DOCKER_HOST`, else the usual sockets
 * of Docker, Docker Desktop, Colima, rootless Docker and Podman.
 *
 * @throws TypeError for a wrong option, with its name.
 *
 * @example
 * ```ts
 * import { SandboxAgent } from "playpen";
 * import { claude } from "playpen/claude";
 * import { docker } from "playpen/docker";
 *
 * await using box = await SandboxAgent.start({
 *   sandbox: docker({ image: "node:22-bookworm", memoryBytes: "2g", network: "none" }),
 *   agent: claude(),
 * });
 * ```
 */
export function docker(options: DockerOptions = {}): SandboxProvider {
  return new DockerProvider(resolveDockerOptions(options));
}

class DockerProvider implements SandboxProvider {
  readonly name = providerName;
  readonly capabilities: SandboxCapabilities = {
    stdin: "native",
    signals: "emulated",
    users: "native",
    files: "emulated",
    detach: "native",
    diesWithHost: "native",
    backpressure: "native",
    isolation: "container",
  };
  readonly #settings: DockerSettings;
  #engine: Promise<Dockerode> | undefined;

  constructor(settings: DockerSettings) {
    this.#settings = settings;
  }

  async check(): Promise<Availability> {
    try {
      const engine = await this.#findEngine();
      const { Version: version } = await engine.version();
      return { available: true, version };
    } catch (error) {
      if (!SandboxAgentError.is(error)) return this.#unavailable(engineLost(error));
      return this.#unavailable(error);
    }
  }

  create(spec: SandboxSpec, options: CreateOptions = {}): Promise<Sandbox> {
    return this.#withEngine(options, (engine) => createSandbox(engine, this.#settings, spec, options));
  }

  connect(id: string, spec: Pick<SandboxSpec, "env" | "cwd">, options: CreateOptions = {}): Promise<Sandbox> {
    return this.#withEngine(options, (engine) => connectSandbox(engine, this.#settings, id, spec, options));
  }

  async *list(filter: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const containers = await this.#withEngine({}, (engine) =>
      engine.listContainers({ all: true, filters: labelFilter(filter.labels ?? {}) }),
    );
    for (const container of containers) {
      yield {
        id: container.Id,
        labels: container.Labels,
        createdAt: container.Created * 1000,
        running: container.State === "running",
      };
    }
  }

  describe() {
    const { image, pull, cwd, user, network, cpus, memoryBytes, pidsLimit, init, capDrop } = this.#settings;
    return {
      image,
      pull,
      cwd,
      network,
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
        throw engineLost(error);
      }
      throw new SandboxAgentError(
        "provider_unavailable",
        `The Docker engine refused a request: ${wordsOf(error)}`,
        {
          details: { provider: providerName },
          cause: error,
        },
      );
    }
  }

  /** The search serves every caller, so that no caller's signal ends it. */
  #findEngine(): Promise<Dockerode> {
    this.#engine ??= findEngine(this.#settings).catch((error: unknown) => {
      this.#engine = undefined;
      throw error;
    });
    return this.#engine;
  }

  #unavailable(error: SandboxAgentError): Availability {
    const reason = error.message.replace(`\n${error.remedy}`, "");
    return { available: false, reason, remedy: error.remedy };
  }
}
