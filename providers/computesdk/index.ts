import type { SandboxProvider } from "../../src/kit.ts";
import { type ComputesdkOptions, resolveOptions } from "./options.ts";
import { ComputesdkProvider } from "./provider.ts";
import type { ComputesdkSandbox } from "./sandbox.ts";

export type { Compute, ComputeCreateOptions, ComputeSandbox } from "./compute.ts";
export type { ComputesdkOptions } from "./options.ts";
export type { ComputesdkSandbox } from "./sandbox.ts";

/**
 * Makes a provider of the program's own `compute` of the package computesdk 4, and so of any of that package's vendors.
 *
 * Its commands run to their end only, so that a process is followed by asking for news. A provider of this library for
 * the vendor itself, where there is one, is faster and can do more.
 *
 * @throws TypeError that names a wrong option.
 * @example
 * ```ts
 * import { compute } from "computesdk";
 *
 * compute.setConfig({ provider: blaxel({ apiKey, workspace }) });
 * const sandbox = computesdk({ compute });
 * ```
 */
export function computesdk(options: ComputesdkOptions): SandboxProvider<ComputesdkSandbox> {
  return new ComputesdkProvider(resolveOptions(options));
}
