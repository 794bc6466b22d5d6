import type { AgentEventBody } from "../../src/kit.ts";

const longestLine = 2_000;

/** The event for a line that is no message of the CLI's. */
export function unparsedLine(line: string): AgentEventBody {
  const truncated = line.length > longestLine;
  return {
    type: "agent.unparsed",
    line: truncated ? line.slice(0, longestLine) : line,
    bytes: new TextEncoder().encode(line).length,
    truncated,
  };
}
