import { local } from "playpen/local";
import { backendRequirements, describeBackendConformance } from "playpen/testing";
import { describe, expect, it } from "vitest";
import { referenceAgent } from "./reference-agent.ts";

describeBackendConformance(
  { describe, it },
  {
    backend: referenceAgent,
    sandbox: () => local({ isolation: "none" }),
    patienceMs: 10_000,
  },
);

describe("the reference agent", () => {
  it("leaves out no requirement", () => {
    const { capabilities } = referenceAgent({ url: "http://127.0.0.1:9", apiKey: "none" });
    expect(capabilities).toMatchObject({ mcpServers: ["stdio"], models: "cli" });
    expect(backendRequirements.length).toBeGreaterThan(50);
  });
});
