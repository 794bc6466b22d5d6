import { parseJson } from "../../src/kit.ts";

/** The beginning of a line that is an increment of a text, exactly as Pi writes it. What follows repeats what is known. */
const textDelta =
  /^\{"type":"message_update","assistantMessageEvent":\{"type":"text_delta","contentIndex":(\d{1,6}),"delta":"([^"\\\0-\x1f]*(?:\\.[^"\\\0-\x1f]*)*)"[,}]/;
/** Longer ones are parsed: matching many escapes takes room on the stack. */
const longestMatched = 16 * 1024;

/**
 * The increment of a text that a line holds; `undefined` for every other line, which is then to be parsed. Nearly all
 * lines of a long turn are such, and each repeats facts about the whole answer behind it.
 */
export function deltaOf(line: string): { readonly index: number; readonly text: string } | undefined {
  if (line.length > longestMatched || !line.endsWith("}")) return undefined;
  const match = textDelta.exec(line);
  if (match === null) return undefined;
  const [, index = "0", escaped = ""] = match;
  const text = escaped.includes("\\") ? parseJson(`"${escaped}"`) : escaped;
  return typeof text === "string" && text !== "" ? { index: Number(index), text } : undefined;
}
