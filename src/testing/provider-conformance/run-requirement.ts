import type { SandboxProvider } from "../../spec/sandbox.ts";
import { RequirementContext } from "./context.ts";
import { describeError } from "./expectations.ts";
import type { ProviderRequirement } from "./requirement.ts";

export interface RunRequirementOptions {
  /** Makes the provider under test, anew for each requirement. */
  readonly create: () => SandboxProvider;
  /** How long one step of a requirement may take; default 10 seconds. Raise it for a provider far away. */
  readonly patienceMs?: number;
  /**
   * Where the server of `ability.expose` listens in the sandbox; default: a free port, on every address. Name a port
   * that the sandbox was created to publish.
   */
  readonly expose?: { readonly port?: number; readonly host?: string };
}

export const defaultRequirementTimeoutMs = 60_000;
const defaultPatienceMs = 10_000;

/**
 * Runs one requirement against a provider, without any test framework. Sandboxes made meanwhile are destroyed before
 * it settles.
 *
 * @throws Error that names the requirement, what was expected and what was seen.
 * @example
 * ```ts
 * for (const requirement of providerRequirements) await runProviderRequirement(requirement, { create: () => mine() });
 * ```
 */
export async function runProviderRequirement(
  requirement: ProviderRequirement,
  options: RunRequirementOptions,
): Promise<void> {
  const deadline = new AbortController();
  const timeoutMs = requirement.timeoutMs ?? defaultRequirementTimeoutMs;
  const context = new RequirementContext(options, deadline.signal, options.patienceMs ?? defaultPatienceMs);
  const fail = (error: unknown): Error => {
    const why = error instanceof Error && error.name === "Error" ? error.message : describeError(error);
    return new Error(`${requirement.id}: ${why}`, { cause: error });
  };
  let failure: Error | undefined;
  try {
    await context.within(requirement.run(context), "the requirement as a whole", timeoutMs);
  } catch (error) {
    failure = fail(error);
  }
  deadline.abort(new Error(`${requirement.id} has ended.`));
  try {
    await context.destroyAll();
  } catch (error) {
    // What went wrong first says more.
    failure ??= fail(error);
  }
  if (failure !== undefined) throw failure;
}
