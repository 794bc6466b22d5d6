import { createHash } from "node:crypto";
import { type Labels, isJsonObject, parseJson } from "../../src/kit.ts";
import { providerName } from "./api-errors.ts";

/** Tells which pods are this library's. */
const ownLabel = "playpen/provider";
const labelsAnnotation = "playpen/labels";
const folderAnnotation = "playpen/cwd";

/**
 * The labels of Kubernetes hold 63 letters, digits, `.`, `_` and `-`. So the exact ones are an annotation, and what the
 * API server is to select by is a hash of name and value.
 */
export function encodedLabels(labels: Labels): { readonly [name: string]: string } {
  const encoded: { [name: string]: string } = { [ownLabel]: providerName };
  for (const [name, value] of Object.entries(labels)) encoded[`playpen/l-${hash(name)}`] = hash(value);
  return encoded;
}

export function labelSelector(labels: Labels): string {
  return Object.entries(encodedLabels(labels))
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

export function annotations(labels: Labels, cwd: string | undefined): { readonly [name: string]: string } {
  return {
    [labelsAnnotation]: JSON.stringify(labels),
    ...(cwd === undefined ? {} : { [folderAnnotation]: cwd }),
  };
}

export interface PodFacts {
  readonly labels: Labels;
  /** As it was asked for. */
  readonly cwd?: string;
}

/** `undefined` for a pod that is not this library's. */
export function podFacts(
  labels: { readonly [name: string]: string } = {},
  notes: { readonly [name: string]: string } = {},
): PodFacts | undefined {
  if (labels[ownLabel] !== providerName) return undefined;
  const parsed = parseJson(notes[labelsAnnotation] ?? "");
  const exact = Object.entries(isJsonObject(parsed) ? parsed : {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  const cwd = notes[folderAnnotation];
  return { labels: Object.fromEntries(exact), ...(cwd === undefined ? {} : { cwd }) };
}
