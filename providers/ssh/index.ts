import type { SandboxProvider } from "../../src/kit.ts";
import { type SshOptions, resolveOptions } from "./options.ts";
import { SshProvider } from "./provider.ts";
import type { SshSandbox } from "./sandbox.ts";

export type { SshOptions } from "./options.ts";
export type { SshSandbox } from "./sandbox.ts";

/**
 * Makes a provider whose sandboxes are folders of a Linux machine that is reached by SSH, and the processes that were
 * started for them.
 *
 * There is no isolation: an agent can do on that machine what its user can, so that permissions have to be chosen. A
 * sandbox ends within a second of the host process or the connection to it, unless it was detached.
 *
 * @throws TypeError that names a wrong option.
 * @example
 * ```ts
 * const sandbox = ssh({
 *   host: "build-7.example.com",
 *   username: "agent",
 *   privateKey: await readFile("/home/me/.ssh/id_ed25519", "utf8"),
 *   hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…",
 * });
 * await using box = await SandboxAgent.start({ sandbox, agent: claude(), permissions: "allow-all" });
 * ```
 */
export function ssh(options: SshOptions): SandboxProvider<SshSandbox> {
  return new SshProvider(resolveOptions(options));
}
