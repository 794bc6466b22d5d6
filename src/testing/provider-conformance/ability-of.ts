import type { SandboxAbilities, SandboxAbility } from "../../spec/sandbox-abilities.ts";
import type { Sandbox, SandboxProvider } from "../../spec/sandbox.ts";

type Methods = { readonly [Name in SandboxAbility]: readonly (keyof SandboxAbilities[Name] & string)[] };

/** The methods that make up each ability. */
export const abilityMethods: Methods = {
  snapshot: ["snapshot"],
  pause: ["pause", "resume"],
  fork: ["fork"],
  expose: ["expose"],
  terminal: ["terminal"],
  extend: ["extend"],
  "network-policy": ["setNetworkPolicy"],
  metrics: ["metrics"],
  watch: ["watch"],
};

export function isAbility(name: string): name is SandboxAbility {
  return Object.hasOwn(abilityMethods, name);
}

export function declaresAbility({ capabilities }: SandboxProvider, ability: SandboxAbility): boolean {
  return capabilities.abilities?.includes(ability) === true;
}

export function hasMethod(sandbox: Sandbox, method: string): boolean {
  return typeof Reflect.get(sandbox, method) === "function";
}

/** @throws Error when a method of the ability is not there. */
export function withAbility<Name extends SandboxAbility>(
  sandbox: Sandbox,
  ability: Name,
): Sandbox & SandboxAbilities[Name] {
  assertAbility(sandbox, ability);
  return sandbox;
}

function assertAbility<Name extends SandboxAbility>(
  sandbox: Sandbox,
  ability: Name,
): asserts sandbox is Sandbox & SandboxAbilities[Name] {
  for (const method of abilityMethods[ability]) {
    if (!hasMethod(sandbox, method)) {
      throw new Error(`The sandbox has no ${method}(), which the ability "${ability}" is made of.`);
    }
  }
}
