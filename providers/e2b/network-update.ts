import type { NetworkPolicy } from "../../src/kit.ts";

export interface NetworkUpdate {
  readonly allowOut?: string[];
  readonly denyOut?: string[];
}

const everything = "0.0.0.0/0";

/** In the vendor's words; what is allowed goes before what is denied. */
export function networkUpdate(policy: NetworkPolicy): NetworkUpdate {
  if (policy === "allow-all") return {};
  if (policy === "deny-all") return { denyOut: [everything] };
  return { allowOut: [...policy.allow], denyOut: [everything] };
}
