import { RequirementContext } from "./context.ts";
import { describeError } from "./expectations.ts";
import type { ProviderRequirement, RunRequirementOptions } from "./requirement.ts";

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
