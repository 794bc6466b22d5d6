import { parseJson } from "../../src/kit.ts";

/** A text delta of the main agent, exactly as the CLI writes it. Of its text, only the escapes are left to check. */
const textDelta =
  /^\{"type":"stream_event","event":\{"type":"content_block_delta","index":\d+,"delta":\{"type":"text_delta","text":"([^"\\\0-\x1f]*(?:\\.[^"\\\0-\x1f]*)*)"\}\},"session_id":"[^"\\\0-\x1f]*","parent_tool_use_id":null,"uuid":"[^"\\\0-\x1f]*"\}$/;
/** Longer lines are parsed: matching many escapes takes room on the stack. */
const longestMatched = 16 * 1024;

/**
 * The text of a line that is a text delta of the main agent; `undefined` for every other line, which is then to be
 * parsed. Nearly all lines of a long turn are such deltas, and to match one takes a third of the time of parsing it.
 */
export function deltaText(line: string): string | undefined {
  if (line.length > longestMatched) return undefined;
  const text = textDelta.exec(line)?.[1];
  if (text?.includes("\\") !== true) return text;
  const unescaped = parseJson(`"${text}"`);
  return typeof unescaped === "string" ? unescaped : undefined;
}
