import type { SandboxProvider } from "playpen/kit";

/** A provider whose suite can be run against its real service. */
interface Cloud {
  /** All of these must be set; credentials among them are read by the provider itself. */
  readonly variables: readonly string[];
  readonly create: () => Promise<SandboxProvider>;
}

const variable = (name: string): string => process.env[name] ?? "";

/** Settings come from the environment, as a user's program would have them. */
export const clouds: { readonly [name: string]: Cloud } = {
  cloudflare: {
    variables: ["PLAYPEN_CLOUDFLARE_URL", "PLAYPEN_CLOUDFLARE_TOKEN"],
    create: async () => (await import("playpen/cloudflare")).cloudflare(),
  },
  daytona: {
    variables: ["DAYTONA_API_KEY"],
    create: async () => (await import("playpen/daytona")).daytona(),
  },
  docker: {
    variables: ["PLAYPEN_CLOUD_IMAGE"],
    create: async () => (await import("playpen/docker")).docker({ image: variable("PLAYPEN_CLOUD_IMAGE") }),
  },
  e2b: {
    variables: ["E2B_API_KEY"],
    create: async () => (await import("playpen/e2b")).e2b(),
  },
  fly: {
    variables: ["FLY_API_TOKEN", "PLAYPEN_CLOUD_APP"],
    create: async () => (await import("playpen/fly")).fly({ app: variable("PLAYPEN_CLOUD_APP") }),
  },
  kubernetes: {
    variables: ["KUBECONFIG"],
    create: async () => (await import("playpen/kubernetes")).kubernetes(),
  },
  modal: {
    variables: ["MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"],
    create: async () => (await import("playpen/modal")).modal(),
  },
  podman: {
    variables: ["PLAYPEN_CLOUD_IMAGE"],
    create: async () => (await import("playpen/podman")).podman({ image: variable("PLAYPEN_CLOUD_IMAGE") }),
  },
  sprites: {
    variables: ["SPRITES_TOKEN"],
    create: async () => (await import("playpen/sprites")).sprites(),
  },
  vercel: {
    variables: ["VERCEL_TOKEN", "VERCEL_TEAM_ID", "VERCEL_PROJECT_ID"],
    create: async () => (await import("playpen/vercel")).vercel(),
  },
};
