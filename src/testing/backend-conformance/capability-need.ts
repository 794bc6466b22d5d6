import type { AgentBackend, BackendCapabilities } from "../../spec/backend.ts";

/**
 * A capability that something needs: by its name where it is a flag or a list that may not be empty, or with one value,
 * for example `permissions:ask` or `interrupt:protocol`.
 */
export type CapabilityNeed = {
  [Name in keyof BackendCapabilities]: BackendCapabilities[Name] extends boolean
    ? Name
    : BackendCapabilities[Name] extends readonly (infer Item extends string)[]
      ? Name | `${Name}:${Item}`
      : `${Name}:${BackendCapabilities[Name] & string}`;
}[keyof BackendCapabilities];

/** Names the first need that the backend does not declare to fulfil, or returns `undefined` when it fulfils all. */
export function missingCapability(
  needs: readonly CapabilityNeed[],
  { name, mode, capabilities }: AgentBackend,
): string | undefined {
  const missing = needs.find((need) => !isFulfilled(need, capabilities));
  return missing === undefined
    ? undefined
    : `${name} does not declare the capability ${missing} in mode ${mode}`;
}

function isFulfilled(need: CapabilityNeed, capabilities: BackendCapabilities): boolean {
  const [name, wanted] = need.split(":") as [keyof BackendCapabilities, string | undefined];
  const value: boolean | string | readonly string[] = capabilities[name];
  if (typeof value === "boolean") return value;
  if (typeof value === "string") return value === wanted;
  return wanted === undefined ? value.length > 0 : value.includes(wanted);
}
