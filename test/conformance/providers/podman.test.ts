import { podman } from "playpen/podman";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
import { describeWith } from "../../image/engines.ts";
import { type PodmanService, podmanImage, startPodmanService } from "../../image/podman.ts";

describeWith(["podman"], "podman, by its socket", () => {
  let service: PodmanService | undefined;
  beforeAll(async () => {
    service = await startPodmanService();
  });
  afterAll(() => service?.stop());

  describeProviderConformance(
    { describe, it },
    { create: () => podman({ image: podmanImage, socketPath: service?.socketPath ?? "not-started" }) },
  );
});
