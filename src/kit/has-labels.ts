import type { Labels } from "../spec/sandbox.ts";

/** Whether a sandbox's labels are found by a filter: all that it names are there, with the same value. */
export function hasLabels(labels: Labels, filter: Labels = {}): boolean {
  return Object.entries(filter).every(
    ([name, value]) => Object.hasOwn(labels, name) && labels[name] === value,
  );
}
