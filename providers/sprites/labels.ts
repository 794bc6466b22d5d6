import type { Labels } from "../../src/kit.ts";

/** The library's own labels of a sprite. */
export const ownLabels = {
  /** Tells which sprites are this library's. */
  provider: "playpen.provider",
  /** Present where a working directory was asked for. */
  cwd: "playpen.cwd",
  /** Milliseconds since the epoch; present once a sprite was let go of. */
  endsAt: "playpen.sprites.ends-at",
  /** Where the library looks for what may be swept up. */
  expiresAt: "playpen.expires-at",
} as const;

/**
 * A sprite's labels are a list of words. Each is made `name=value`, of letters, digits and `%-_.!~*'()`, since the
 * vendor does not say what else it takes.
 */
export function encodeLabels(labels: Labels): string[] {
  return Object.entries(labels).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
}

/** Words that are no pair, such as those that somebody put on by hand, are left out. */
export function decodeLabels(words: readonly unknown[]): Labels {
  const pairs = words.flatMap((word) => {
    const [, name, value] = /^([^=]+)=([^=]*)$/.exec(String(word)) ?? [];
    if (name === undefined || value === undefined) return [];
    try {
      return [[decodeURIComponent(name), decodeURIComponent(value)] as const];
    } catch {
      return [];
    }
  });
  return Object.fromEntries(pairs);
}

/** Whether a sprite that was let go of has had its time. */
export function isOver(labels: Labels): boolean {
  const endsAt = Number(labels[ownLabels.endsAt] ?? Number.POSITIVE_INFINITY);
  return endsAt <= Date.now();
}
