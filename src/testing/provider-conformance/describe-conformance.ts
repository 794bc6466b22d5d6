import { isJsonObject } from "../../kit/json.ts";
import {
  isDurationMs,
  isFunction,
  type OptionCheck,
  show,
  validateOptions,
} from "../../kit/validate-options.ts";
import type { SandboxProvider } from "../../spec/sandbox.ts";
import { declaresAbility, isAbility } from "./ability-of.ts";
import { providerRequirements } from "./provider-requirements.ts";
import type { ProviderRequirement, RunRequirementOptions } from "./requirement.ts";
import { defaultRequirementTimeoutMs, runProviderRequirement } from "./run-requirement.ts";

/** What the suite needs of a test framework; vitest, node:test and jest have it. */
export interface TestFramework {
  readonly describe: (name: string, suite: () => void) => unknown;
  readonly it: {
    /** node:test, which takes no third parameter, ignores it and sets no limit of its own. */
    (name: string, test: () => Promise<void>, timeoutMs: number): unknown;
    readonly skip: (name: string, test: () => Promise<void>) => unknown;
  };
}

/** What `describeProviderConformance` tests, and what not. */
export interface ProviderConformanceOptions extends RunRequirementOptions {
  /** Reasons not to run single requirements, by their ids. Shown in the test's name. */
  readonly skip?: { readonly [id: string]: string };
}

/** Time to destroy what a requirement has left running, on top of its own. */
const cleanUpMs = 30_000;

/**
 * Registers one test per requirement. What needs a capability that the provider declares as `"none"`, or an ability
 * that it does not declare, is skipped, and so is what `skip` names.
 *
 * The sandboxes need Linux with `/bin/sh`, `/proc`, GNU or busybox tools (`grep`, `head`, `seq`, `sha256sum`, `tar`),
 * and `setsid`; the ability `expose` needs Node or Python in them.
 *
 * @throws TypeError for a skip without a reason, or of an id that no requirement has.
 * @example
 * ```ts
 * import { describe, it } from "vitest";
 *
 * describeProviderConformance({ describe, it }, { create: () => docker({ image: "debian:stable" }) });
 * ```
 */
export function describeProviderConformance(
  framework: TestFramework,
  options: ProviderConformanceOptions,
): void {
  checkSuite("describeProviderConformance", framework, options, {
    required: ["create"],
    checks: { create: isFunction, patienceMs: isDurationMs, expose: isObject, skip: isObject },
  });
  const skip = options.skip ?? {};
  checkSkips(skip);
  const provider = options.create();
  framework.describe(`provider ${provider.name}`, () => {
    for (const requirement of providerRequirements) {
      const name = `${requirement.id}: ${requirement.title}`;
      const run = (): Promise<void> => runProviderRequirement(requirement, options);
      const reason = skip[requirement.id] ?? missingCapability(requirement, provider);
      if (reason !== undefined) framework.it.skip(`${name} [skipped: ${reason}]`, run);
      else framework.it(name, run, (requirement.timeoutMs ?? defaultRequirementTimeoutMs) + cleanUpMs);
    }
  });
}

const isObject: OptionCheck = (value) => (isJsonObject(value) ? undefined : "an object");

/**
 * Checks what a suite is declared with.
 *
 * @throws TypeError that names what is missing or wrong.
 */
export function checkSuite(
  owner: string,
  framework: unknown,
  options: unknown,
  { required, checks }: { required: readonly string[]; checks: { readonly [name: string]: OptionCheck } },
): void {
  const it: unknown = isJsonObject(framework) ? framework["it"] : undefined;
  const isFramework =
    isJsonObject(framework) &&
    typeof framework["describe"] === "function" &&
    typeof it === "function" &&
    typeof Reflect.get(it, "skip") === "function";
  if (!isFramework) {
    throw new TypeError(
      `${owner}: the first argument must be the { describe, it } of a test framework, such as vitest or node:test.`,
    );
  }
  validateOptions(owner, options, checks);
  const missing = required.find((name) => !isJsonObject(options) || options[name] === undefined);
  if (missing !== undefined)
    throw new TypeError(`${owner}: option ${show(missing)} must be a function, received undefined.`);
}

/** Why a requirement does not apply to a provider, or `undefined` when it does. */
export function missingCapability(
  { needs }: ProviderRequirement,
  provider: SandboxProvider,
): string | undefined {
  const { capabilities, name } = provider;
  if (needs === undefined) return undefined;
  if (isAbility(needs)) {
    return declaresAbility(provider, needs)
      ? undefined
      : `${name} does not declare the ability ${JSON.stringify(needs)}`;
  }
  return capabilities[needs] === "none" ? `${name} declares ${needs}: "none"` : undefined;
}

function checkSkips(skip: { readonly [id: string]: string }): void {
  const known = new Set(providerRequirements.map(({ id }) => id));
  for (const [id, reason] of Object.entries(skip)) {
    if (!known.has(id)) {
      throw new TypeError(
        `describeProviderConformance: skip names ${JSON.stringify(id)}, which is no requirement.`,
      );
    }
    if (typeof reason !== "string" || reason.trim() === "") {
      throw new TypeError(`describeProviderConformance: skip of ${JSON.stringify(id)} needs a reason.`);
    }
  }
}
