import type { AgentEventBody } from "../../src/kit.ts";

const longestLine = 2_000;

/** The event for a line that is not a JSON object. */
export function unparsedLine(line: string): AgentEventBody {
  const truncated = line.length > longestLine;
  return {
    type: "agent.unparsed",
    line: truncated ? line.slice(0, longestLine) : line,
    bytes: utf8Length(line),
    truncated,
  };
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(index + 1))) {
      bytes += 4;
      index += 1;
    } else bytes += 3;
  }
  return bytes;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
