import {
  isDurationMs,
  isFunction,
  isString,
  isStringArray,
  isStringRecord,
} from "../../kit/validate-options.ts";
import { checkSuite } from "../provider-conformance/describe-conformance.ts";
import type { TestFramework } from "../provider-conformance/index.ts";
import { backendRequirements } from "./backend-requirements.ts";
import { missingCapability } from "./capability-need.ts";
import type { BackendRequirement } from "./requirement.ts";
import { runBackendRequirement, type RunBackendRequirementOptions } from "./run-requirement.ts";

/** What `describeBackendConformance` tests, and what is known of it. */
export interface BackendConformanceOptions extends RunBackendRequirementOptions {
  /**
   * Requirements that the CLI is known not to fulfil, by their ids, with the reason. They are run all the same, and the
   * test fails once the requirement is fulfilled, so that none of them outlives its reason.
   */
  readonly knownFailures?: { readonly [id: string]: string };
  /** The ids of the requirements to register, where time is short; default all of them. */
  readonly only?: readonly string[];
  /** How long a whole requirement may take; default 120 seconds, or four times `patienceMs` where that is more. */
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 120_000;

/**
 * Registers one test per requirement: the real CLI, in a real sandbox, against the model server of this package. What
 * needs a capability that the backend does not declare is skipped, and the skip names it; nothing else is.
 *
 * @throws TypeError for a known failure without a reason, or an id that no requirement has.
 * @example
 * ```ts
 * import { describe, it } from "vitest";
 *
 * describeBackendConformance(
 *   { describe, it },
 *   {
 *     backend: ({ url, apiKey }) => claude({ baseUrl: url, apiKey }),
 *     sandbox: () => local({ isolation: "none" }),
 *   },
 * );
 * ```
 */
export function describeBackendConformance(
  framework: TestFramework,
  options: BackendConformanceOptions,
): void {
  checkSuite("describeBackendConformance", framework, options, {
    required: ["backend", "sandbox"],
    checks: {
      ...{ backend: isFunction, sandbox: isFunction, otherModel: isString, only: isStringArray },
      ...{ patienceMs: isDurationMs, timeoutMs: isDurationMs, knownFailures: isStringRecord },
    },
  });
  const { knownFailures = {}, only } = options;
  checkIds("only", only ?? []);
  checkKnownFailures(knownFailures);
  // Nobody is asked at this address: only what is declared is read.
  const backend = options.backend({ url: "http://127.0.0.1:9", apiKey: "none" });
  framework.describe(`backend ${backend.name} in mode ${backend.mode}`, () => {
    for (const requirement of backendRequirements) {
      if (only?.includes(requirement.id) === false) continue;
      const name = `${requirement.id}: ${requirement.title}`;
      const missing = missingCapability(requirement.needs ?? [], backend);
      const known = knownFailures[requirement.id];
      const run = (): Promise<void> => runBackendRequirement(requirement, options);
      const timeoutMs = options.timeoutMs ?? Math.max(defaultTimeoutMs, 4 * (options.patienceMs ?? 0));
      if (missing !== undefined) framework.it.skip(`${name} [skipped: ${missing}]`, run);
      else if (known === undefined) framework.it(name, run, timeoutMs);
      else
        framework.it(`${name} [known to fail: ${known}]`, () => expectFailure(requirement, run), timeoutMs);
    }
  });
}

async function expectFailure({ id }: BackendRequirement, run: () => Promise<void>): Promise<void> {
  const isFulfilled = await run().then(
    () => true,
    () => false,
  );
  if (isFulfilled) throw new Error(`${id} is fulfilled now: it is no known failure any more.`);
}

function checkKnownFailures(knownFailures: { readonly [id: string]: string }): void {
  checkIds("knownFailures", Object.keys(knownFailures));
  for (const [id, reason] of Object.entries(knownFailures)) {
    if (typeof reason === "string" && reason.trim() !== "") continue;
    throw new TypeError(
      `describeBackendConformance: the known failure of ${JSON.stringify(id)} needs a reason.`,
    );
  }
}

function checkIds(option: string, named: readonly string[]): void {
  const ids = new Set(backendRequirements.map(({ id }) => id));
  const unknown = named.find((id) => !ids.has(id));
  if (unknown === undefined) return;
  throw new TypeError(
    `describeBackendConformance: ${option} names ${JSON.stringify(unknown)}, which is no requirement.`,
  );
}
