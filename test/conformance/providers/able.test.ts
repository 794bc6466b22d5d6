import { describeProviderConformance, providerRequirements } from "playpen/testing";
import { describe, it } from "vitest";
import { ableProvider } from "./able-provider.ts";

// What the abilities stand on is shown by folder.test.ts.
const skip = Object.fromEntries(
  providerRequirements
    .filter(({ id }) => !id.startsWith("ability."))
    .map(({ id }) => [id, "the same as the folder provider"]),
);

describeProviderConformance({ describe, it }, { create: ableProvider, expose: { host: "127.0.0.1" }, skip });
