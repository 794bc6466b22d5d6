import { isJsonObject } from "../kit/json.ts";
import { show } from "../kit/validate-options.ts";
import { eventProblem } from "./scripted-line.ts";

const faults: readonly unknown[] = ["crash", "hang", "garbage", "lose-sandbox"];

/** What is wrong with a list of steps, as the end of a sentence; `undefined` when each can be played. */
export function scriptProblem(steps: readonly unknown[]): string | undefined {
  for (const [index, step] of steps.entries()) {
    const problem = stepProblem(step);
    if (problem !== undefined) return `step ${String(index)} ${problem}`;
  }
  return undefined;
}

function stepProblem(step: unknown): string | undefined {
  if (isJsonObject(step) && "pauseMs" in step) {
    const { pauseMs } = step;
    const isTime = typeof pauseMs === "number" && pauseMs >= 0;
    return isTime ? undefined : `needs a pauseMs of 0 or more milliseconds, received ${show(pauseMs)}`;
  }
  if (isJsonObject(step) && "fault" in step) {
    if (faults.includes(step["fault"])) return undefined;
    return `has a fault that is none of ${faults.map(show).join(", ")}: ${show(step["fault"])}`;
  }
  if (isJsonObject(step) && "type" in step) return eventProblem(step);
  return `must be an event, { pauseMs } or { fault }, received ${show(step)}`;
}
