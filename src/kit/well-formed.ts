/**
 * A text without halves of characters, as they stand where a text was cut in the middle of one: each becomes U+FFFD.
 * JSON can carry them, yet a program that reads strictly does not take the line.
 */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}
