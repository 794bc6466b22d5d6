import type { AgentEventBody } from "../spec/events.ts";

/** In characters. */
const longestLine = 2048;

/**
 * Makes the event for a line that is no message of the CLI's: its first 2,048 characters, and its size in bytes.
 *
 * @example
 * unparsedLine("oops"); // { type: "agent.unparsed", line: "oops", bytes: 4, truncated: false }
 */
export function unparsedLine(line: string): AgentEventBody {
  const truncated = line.length > longestLine;
  return {
    type: "agent.unparsed",
    line: truncated ? line.slice(0, longestLine) : line,
    bytes: Buffer.byteLength(line),
    truncated,
  };
}
