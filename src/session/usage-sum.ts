import type { Usage } from "../spec/usage.ts";

const optionalCounts = ["cacheReadTokens", "cacheWriteTokens", "reasoningTokens"] as const;

/** Adds two usages; a count that neither has stays absent. */
export function addUsage(left: Usage, right: Usage): Usage {
  const sum: { -readonly [Key in keyof Usage]: Usage[Key] } = {
    inputTokens: left.inputTokens + right.inputTokens,
    outputTokens: left.outputTokens + right.outputTokens,
  };
  for (const name of optionalCounts) {
    if (left[name] !== undefined || right[name] !== undefined)
      sum[name] = (left[name] ?? 0) + (right[name] ?? 0);
  }
  return sum;
}
