import type { SandboxProvider } from "../../src/kit.ts";
import { resolveOptions, type LocalOptions } from "./options.ts";
import { LocalProvider } from "./provider.ts";

export type { LocalOptions } from "./options.ts";

/**
 * Makes a provider whose sandboxes are processes of this machine, in namespaces of their own.
 *
 * A sandbox costs some ten milliseconds, needs neither an image nor a daemon, and shares the host's programs: what is on
 * `PATH` is there inside. It sees the workspace, a home and a folder of temporary files of its own, and the rest of the
 * host as far as `hostFiles` lets it. Processor and memory are not limited.
 *
 * The sandbox ends within a second of the host process, however that dies. After `detach` it lives on, and so do its
 * processes; but their pipes lead nowhere then.
 *
 * @throws TypeError that names a wrong option.
 * @example
 * ```ts
 * await using box = await SandboxAgent.start({ sandbox: local({ workspace: "/srv/project" }), agent: claude() });
 * ```
 */
export function local(options: LocalOptions = {}): SandboxProvider {
  return new LocalProvider(resolveOptions(options));
}
