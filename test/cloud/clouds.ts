import type { SandboxProvider } from "playpen/kit";

/** A provider whose suite can be run against its real service. */
interface Cloud {
  /** All of these must be set; their values are read by the provider itself. */
  readonly variables: readonly string[];
  readonly create: () => Promise<SandboxProvider>;
}

/** Settings come from the environment, as a user's program would have them. */
export const clouds: { readonly [name: string]: Cloud } = {
  docker: {
    variables: ["PLAYPEN_CLOUD_IMAGE"],
    create: async () => {
      const { docker } = await import("playpen/docker");
      return docker({ image: process.env["PLAYPEN_CLOUD_IMAGE"] ?? "" });
    },
  },
};
