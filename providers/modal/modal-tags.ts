import type { Labels } from "../../src/kit.ts";
import { providerName } from "./modal-errors.ts";

export type Tags = Record<string, string>;

const ownTag = "playpen-provider";
const folderTag = "playpen-cwd";
const labelPrefix = "l.";

/** Tags hold letters, digits, `.`, `_` and `-`. Every other byte, and `_`, stands as `_` and two hexadecimal digits. */
export function encodeTag(text: string): string {
  return text.replace(/[^A-Za-z0-9.-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `_${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}

export function decodeTag(tag: string): string {
  const bytes = tag.replace(
    /_([0-9a-f]{2})|([^_])/g,
    (_all, hex: string | undefined, plain: string | undefined) =>
      hex ?? Buffer.from(plain ?? "").toString("hex"),
  );
  return Buffer.from(bytes, "hex").toString();
}

export function tagsOf(labels: Labels, cwd?: string): Tags {
  const tags: Tags = { [ownTag]: providerName };
  if (cwd !== undefined) tags[folderTag] = encodeTag(cwd);
  for (const [name, value] of Object.entries(labels)) tags[labelPrefix + encodeTag(name)] = encodeTag(value);
  return tags;
}

export interface TagFacts {
  readonly labels: Labels;
  readonly cwd?: string;
}

/** `undefined` for a sandbox that is not this library's. */
export function factsOf(tags: Tags): TagFacts | undefined {
  if (tags[ownTag] !== providerName) return undefined;
  const labels = Object.entries(tags).filter(([name]) => name.startsWith(labelPrefix));
  const cwd = tags[folderTag];
  return {
    labels: Object.fromEntries(
      labels.map(([name, value]) => [decodeTag(name.slice(labelPrefix.length)), decodeTag(value)]),
    ),
    ...(cwd === undefined ? {} : { cwd: decodeTag(cwd) }),
  };
}
