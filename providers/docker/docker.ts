import type { SandboxProvider } from "../../src/kit.ts";
import { type EngineOptions, resolveEngineOptions } from "../container-engine/container-options.ts";
import { EngineProvider } from "../container-engine/engine-provider.ts";
import type { EngineSandbox } from "../container-engine/engine-sandbox.ts";
import { dockerKind } from "./docker-kind.ts";

/** Settings of the Docker provider. Everything has a default. */
export type DockerOptions = EngineOptions;

/** A container with what Docker can do beside the rest. */
export type DockerSandbox = EngineSandbox;

/**
 * Makes a provider that runs each sandbox in a container of Docker or Podman.
 *
 * A container ends within a second when the process that created it ends, however it ends, unless it was detached or is
 * paused. The engine is looked for at the first use: the option `socketPath` or `host`, else `DOCKER_HOST`, else the
 * usual sockets of Docker, Docker Desktop, Colima, rootless Docker and Podman.
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
export function docker(options: DockerOptions = {}): SandboxProvider<DockerSandbox> {
  return new EngineProvider(resolveEngineOptions(dockerKind, options));
}
