import { tool } from "../../scenario.ts";

/** A model that Codex knows nothing of, and so offers its tools one by one instead of in a program. */
export const plainTools = { options: { model: "house-model" } } as const;

export const withPlan = {
  options: { model: "house-model", config: { "tools.update_plan.enabled": true } },
} as const;

export function patch(...lines: readonly string[]): string {
  return tool("apply_patch", ["*** Begin Patch", ...lines, "*** End Patch"].join("\n"));
}
