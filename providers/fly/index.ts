import type { SandboxProvider } from "../../src/kit.ts";
import { type FlyOptions, resolveOptions } from "./options.ts";
import { FlyProvider } from "./provider.ts";
import type { FlySandbox } from "./sandbox.ts";

export type { FlyOptions } from "./options.ts";
export type { FlySandbox } from "./sandbox.ts";

/**
 * Makes a provider whose sandboxes are Fly Machines of one app.
 *
 * Each is a virtual machine of its own. Its commands run to their end only, so that a process is followed by asking for
 * news; see the page for what that means. A machine destroys itself when nobody has used it for `timeoutMs`.
 *
 * @throws TypeError that names a wrong option.
 * @example
 * ```ts
 * const sandbox = fly({ app: "my-sandboxes", region: "fra", cpus: 2, memoryBytes: "4g" });
 * await using box = await SandboxAgent.start({ sandbox, agent: claude() });
 * ```
 */
export function fly(options: FlyOptions): SandboxProvider<FlySandbox> {
  return new FlyProvider(resolveOptions(options));
}
