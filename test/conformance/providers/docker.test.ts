import { docker } from "playpen/docker";
import { describeProviderConformance } from "playpen/testing";
import { describe, it } from "vitest";
import { describeWith } from "../../image/engines.ts";
import { bareImage } from "../../image/paths.ts";

describeWith(["docker", "test-image"], "docker, with the bare test image", () => {
  describeProviderConformance({ describe, it }, { create: () => docker({ image: bareImage() }) });
});
