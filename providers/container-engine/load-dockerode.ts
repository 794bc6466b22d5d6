import type Dockerode from "dockerode";
import { loadPeer } from "../../src/kit.ts";

export const dockerodeRange = "^5.0.0";

/** Loads the client, an optional peer dependency, when `neededBy` first needs it. */
export async function loadDockerode(neededBy: string): Promise<typeof Dockerode> {
  const peer = {
    name: "dockerode",
    range: dockerodeRange,
    accepts: (version: string) => version.startsWith("5."),
    neededBy,
  };
  const { default: client } = await loadPeer(peer, () => import("dockerode"));
  return client;
}
