import { it } from "vitest";
import { local } from "playpen/local";
import { backendRequirements, runBackendRequirement } from "playpen/testing";
import { describeWith } from "../../image/engines.ts";
import { hostCliDirectory } from "../../image/paths.ts";
import { acpBackend } from "../../integration/agents/scenes/acp.ts";
import { describeAgent } from "./describe-agent.ts";

for (const name of ["acp-copilot", "acp-gemini", "acp-opencode", "acp-qwen"]) describeAgent(name, []);

/**
 * These ask before they change anything, but not before every look, so that their presets do not declare it. For what
 * they do ask, what holds for permissions holds here too.
 */
const asked = [
  "permission.allowed",
  "permission.denied",
  "permission.deny-all",
  "permission.interrupted",
  "mcp.permission",
];

function describeAsking(preset: "copilot" | "gemini" | "qwen"): void {
  describeWith(["host-clis"], `acp-${preset}, where it asks`, () => {
    for (const requirement of backendRequirements.filter(({ id }) => asked.includes(id))) {
      it(`${requirement.id}: ${requirement.title}`, () =>
        runBackendRequirement(requirement, {
          backend: ({ url, apiKey }) =>
            acpBackend(preset, { url, key: apiKey, command: `${hostCliDirectory()}/${preset}` }, true),
          sandbox: () => local({ isolation: "none" }),
        }));
    }
  });
}

describeAgent("acp-copilot");
// Of these the whole suite takes long, and most of it Qwen Code's waiting between refused requests.
for (const name of ["acp-gemini", "acp-opencode", "acp-qwen"]) describeAgent(name, []);
for (const preset of ["copilot", "gemini", "qwen"] as const) describeAsking(preset);
