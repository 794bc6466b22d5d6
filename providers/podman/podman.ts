import { type SandboxProvider, isBoolean } from "../../src/kit.ts";
import { type EngineOptions, resolveEngineOptions } from "../container-engine/container-options.ts";
import type { EngineSandbox } from "../container-engine/engine-sandbox.ts";
import { podmanKind } from "./podman-kind.ts";
import { PodmanProvider, checkCliOptions } from "./podman-provider.ts";

/** Settings of the Podman provider. Everything has a default. */
export interface PodmanOptions extends EngineOptions {
  /** Whether it works by the `podman` command instead of a socket; default: where no socket answers. */
  readonly cli?: boolean;
}

/** A container with what Podman can do beside the rest. */
export type PodmanSandbox = EngineSandbox;

/**
 * Makes a provider that runs each sandbox in a container of Podman, without a daemon where there is none.
 *
 * A container ends within a second when the process that created it ends, however it ends, unless it was detached or is
 * paused. At the first use Podman is looked for: the option `socketPath` or `host`, else `CONTAINER_HOST`, else the
 * sockets of the user, of the system and of `podman machine`, and at last the `podman` command.
 *
 * @throws TypeError for a wrong option, with its name.
 *
 * @example
 * ```ts
 * import { SandboxAgent } from "playpen";
 * import { claude } from "playpen/claude";
 * import { podman } from "playpen/podman";
 *
 * await using box = await SandboxAgent.start({
 *   sandbox: podman({ image: "docker.io/library/node:22-bookworm", network: "none" }),
 *   agent: claude(),
 * });
 * ```
 */
export function podman(options: PodmanOptions = {}): SandboxProvider<PodmanSandbox> {
  const settings = resolveEngineOptions(podmanKind, options, { cli: isBoolean });
  if (options.cli === true) checkCliOptions({ ...options });
  return new PodmanProvider(settings, options.cli);
}
