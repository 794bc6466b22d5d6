/** In the order of the report. */
export const placeNames = [
  "docker",
  "podman",
  "ssh",
  "kubernetes",
  "e2b",
  "daytona",
  "vercel",
  "sprites",
  "modal",
  "cloudflare",
  "fly",
  "computesdk",
] as const;

export const steps = ["create", "first byte", "exit", "destroy"] as const;
