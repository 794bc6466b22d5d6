import { expect, it } from "vitest";
import type { Cluster } from "../../../../providers/kubernetes/cluster.ts";
import { PortForward } from "../../../../providers/kubernetes/port-forward.ts";
import { failAccepts } from "../failed-accept.ts";

it("a forwarded port harms no host when the operating system has no connection left to take", async () => {
  // No connection to it gets as far as the cluster.
  const forward = await PortForward.listen({} as Cluster, "pod-1", 80);
  try {
    await expect(failAccepts(forward.url)).resolves.toBeUndefined();
  } finally {
    forward.close();
  }
});
