import type { SandboxProvider } from "../../src/kit.ts";
import { type CloudflareOptions, resolveOptions } from "./options.ts";
import { CloudflareProvider } from "./provider.ts";
import type { CloudflareSandbox } from "./sandbox.ts";

export type { CloudflareOptions } from "./options.ts";
export type { CloudflareSandbox } from "./sandbox.ts";

/**
 * Makes a provider whose sandboxes are containers of Cloudflare's, by a Worker that the user deploys.
 *
 * What can start such a container works inside a Worker only, so that one stands in between: a few lines around
 * `playpen/cloudflare/bridge`, which the page shows. A sandbox ends when nobody has used it for `timeoutMs`.
 *
 * @throws TypeError that names a wrong option.
 * @example
 * ```ts
 * const sandbox = cloudflare({ url: "https://playpen-bridge.example.workers.dev" });
 * await using box = await SandboxAgent.start({ sandbox, agent: claude() });
 * ```
 */
export function cloudflare(options: CloudflareOptions = {}): SandboxProvider<CloudflareSandbox> {
  return new CloudflareProvider(resolveOptions(options));
}
