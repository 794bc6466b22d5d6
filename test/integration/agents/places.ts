import type { SandboxProvider } from "playpen";
import { docker } from "playpen/docker";
import { local } from "playpen/local";
import type { Engine } from "../../image/engines.ts";
import { hostCliDirectory, hostCliFolder, testImage } from "../../image/paths.ts";

export type PlaceName = "docker" | "bubblewrap" | "none";

/** A kind of sandbox that has the agents' CLIs. */
export interface Place {
  readonly name: PlaceName;
  readonly engines: readonly Engine[];
  readonly provider: () => SandboxProvider;
  /** The option `command`, where the CLIs are not on the sandbox's own PATH. */
  readonly command: (command: string) => { readonly command?: string };
}

const onHost = (command: string): { readonly command: string } => ({
  command: `${hostCliDirectory()}/${command}`,
});

export const places: readonly Place[] = [
  {
    name: "docker",
    engines: ["docker", "test-image"],
    // The model server listens on this machine's loopback interface only.
    provider: () => docker({ image: testImage(), network: "host" }),
    command: () => ({}),
  },
  {
    name: "bubblewrap",
    engines: ["bubblewrap", "host-clis"],
    provider: () => local({ readOnlyPaths: [hostCliFolder()] }),
    command: onHost,
  },
  { name: "none", engines: ["host-clis"], provider: () => local({ isolation: "none" }), command: onHost },
];
