import { docker } from "playpen/docker";
import { describeProviderConformance } from "playpen/testing";
import { describe, it } from "vitest";
import { describeWith, missing } from "../../image/engines.ts";
import { bareImage } from "../../image/paths.ts";

describeWith(["docker", "test-image"], "docker, with the bare test image", () => {
  // The tests are registered where they are skipped, too.
  const image = missing("test-image") === undefined ? bareImage() : "not-built";
  describeProviderConformance({ describe, it }, { create: () => docker({ image }) });
});
