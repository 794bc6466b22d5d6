import { isJsonObject } from "../kit/json.ts";
import { show, type OptionCheck } from "../kit/validate-options.ts";
import type { ModelPrice } from "../spec/session-policies.ts";
import type { Usage } from "../spec/usage.ts";

const names = ["input", "output", "cacheRead", "cacheWrite"];

export const isPriceTable: OptionCheck = (value) => {
  if (!isJsonObject(value)) return "an object of prices by model";
  for (const [model, price] of Object.entries(value)) {
    if (!isJsonObject(price)) return `an object with { input, output } for ${show(model)}`;
    for (const name of ["input", "output", ...Object.keys(price)]) {
      if (!names.includes(name))
        return `without ${show(name)} for ${show(model)}; known are ${names.join(", ")}`;
      const amount = price[name];
      if (typeof amount !== "number" || !Number.isFinite(amount) || amount < 0)
        return `an object with a number of dollars, 0 or above, as ${name} for ${show(model)}`;
    }
  }
  return undefined;
};

/** What a usage costs, in US dollars. */
export function costOf(usage: Usage, price: ModelPrice): number {
  const { input, output, cacheRead = input, cacheWrite = input } = price;
  const millionths =
    usage.inputTokens * input +
    usage.outputTokens * output +
    (usage.cacheReadTokens ?? 0) * cacheRead +
    (usage.cacheWriteTokens ?? 0) * cacheWrite;
  return millionths / 1_000_000;
}
