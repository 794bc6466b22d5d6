import { createHash } from "node:crypto";

/** Texts that get lost or change their meaning where something is quoted, split or interpolated carelessly. */
export const oddTexts: readonly string[] = [
  "",
  " ",
  "two  blanks",
  " at both ends ",
  "tab\tand\rreturn",
  "line\nbreak",
  "break at the end\n",
  "'single'",
  '"double"',
  "`backticks`",
  "$(echo expanded)",
  "$HOME ${HOME} $1 $$",
  "back\\slash \\n \\\\",
  "*",
  "/*",
  "?[a-z]{a,b}",
  "~",
  "-n",
  "--help",
  "a=b=c",
  "a;b|c&d>e<f",
  "#comment",
  "!history",
  "%s %d %%",
  "äöü ß — 日本語 😀",
  "e\u0301 is not \u00e9",
];

/** Names of files that are legal and yet trouble. */
export const oddNames: readonly string[] = [
  "two blanks  here",
  " leading",
  "trailing ",
  "line\nbreak",
  "'single' \"double\"",
  "$(touch expanded)",
  "$HOME",
  "back\\slash",
  "*",
  "-rf",
  "--help",
  ".hidden",
  "...",
  "a;b&c",
  "#hash %20 ?query",
  "äöü 日本語 😀",
  "x".repeat(200),
];

/** Bytes in which every value occurs and no two places look alike, the same ones each time. */
export function sampleBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 0x9e3779b9;
  for (let index = 0; index < length; index++) {
    if (index < 256) {
      bytes[index] = index;
      continue;
    }
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
