import { it } from "vitest";
import { local } from "playpen/local";
import { backendRequirements, runBackendRequirement } from "playpen/testing";
import { describeWith } from "../../image/engines.ts";
import { hostCliDirectory } from "../../image/paths.ts";
import { acpBackend } from "../../integration/agents/scenes/acp.ts";

const asked = [
  "permission.allowed",
  "permission.denied",
  "permission.deny-all",
  "permission.interrupted",
  "mcp.permission",
];

/**
 * These agents ask before they change anything, but not before every look, so that their presets do not declare it. For
 * what they do ask, what holds for permissions holds here too.
 */
export function describeAsking(preset: "copilot" | "gemini" | "qwen"): void {
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
