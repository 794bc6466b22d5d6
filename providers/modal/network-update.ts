import type { NetworkPolicy } from "../../src/kit.ts";

export interface NetworkUpdate {
  readonly outboundCidrAllowlist: string[];
  readonly outboundDomainAllowlist: string[];
}

/** In the vendor's words: addresses and names are two lists, both of which have to be given. */
export function networkUpdate(policy: NetworkPolicy): NetworkUpdate {
  if (policy === "allow-all") return { outboundCidrAllowlist: ["0.0.0.0/0"], outboundDomainAllowlist: ["*"] };
  if (policy === "deny-all") return { outboundCidrAllowlist: [], outboundDomainAllowlist: [] };
  const isAddress = (host: string): boolean => /^[\d.]+(\/\d+)?$/.test(host);
  return {
    outboundCidrAllowlist: policy.allow
      .filter(isAddress)
      .map((host) => (host.includes("/") ? host : `${host}/32`)),
    outboundDomainAllowlist: policy.allow.filter((host) => !isAddress(host)),
  };
}
