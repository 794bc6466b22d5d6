import { type Labels, isJsonObject, parseJson } from "../../src/kit.ts";
import { ownLabelName } from "./engine-kind.ts";

/** Names the labels of the image that are none of the sandbox's. */
const hiddenName = "playpen.hidden-labels";

/**
 * A container has its image's labels, which no engine lets anybody take away; those of a snapshot are the labels of the
 * sandbox that it was made of. They are blanked, and their names kept, so that they are not taken for the sandbox's own.
 */
export function withHidden(labels: Labels, ofImage: Labels): { [name: string]: string } {
  const hidden = Object.keys(ofImage).filter((name) => !Object.hasOwn(labels, name) && name !== hiddenName);
  if (!Object.hasOwn(ofImage, ownLabelName)) return { ...labels };
  return {
    ...Object.fromEntries(hidden.map((name) => [name, ""])),
    [hiddenName]: JSON.stringify(hidden),
    ...labels,
  };
}

/** The labels that a sandbox was created with, of all that its container has. */
export function visibleLabels(labels: Labels): Labels {
  const text = labels[hiddenName];
  if (text === undefined) return labels;
  const parsed = parseJson(text);
  const hidden = new Set<unknown>(Array.isArray(parsed) ? parsed : []).add(hiddenName);
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !hidden.has(name)));
}

/** The labels in an engine's description of an image. */
export function labelsIn(config: unknown): Labels {
  const labels = isJsonObject(config) ? config["Labels"] : undefined;
  if (!isJsonObject(labels)) return {};
  return Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
