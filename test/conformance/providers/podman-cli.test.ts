import { podman } from "playpen/podman";
import { describeProviderConformance } from "playpen/testing";
import { describe, it } from "vitest";
import { describeWith } from "../../image/engines.ts";
import { podmanImage } from "../../image/podman.ts";

describeWith(["podman"], "podman, by its command", () => {
  // Each operation is a program of its own, some tenths of a second long.
  const patienceMs = 20_000;
  describeProviderConformance(
    { describe, it },
    { create: () => podman({ image: podmanImage, cli: true }), patienceMs },
  );
});
