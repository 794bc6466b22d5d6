import type ssh2 from "ssh2";
import { loadPeer } from "../../src/kit.ts";

export const ssh2Range = "^1.16.0";

const peer = {
  name: "ssh2",
  range: ssh2Range,
  accepts: (version: string) => /^1\.(1[6-9]|[2-9]\d|\d{3,})\./.test(version),
  neededBy: "ssh()",
};

/** Loads the client, an optional peer dependency, when it is first needed. */
export async function loadSsh2(): Promise<typeof ssh2> {
  const { default: client } = await loadPeer(peer, () => import("ssh2"));
  return client;
}
