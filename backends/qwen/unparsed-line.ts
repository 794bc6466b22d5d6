import type { AgentEventBody } from "../../src/kit.ts";

const longestLine = 2048;

/** The event for a line that is no message of Qwen Code's. */
export function unparsedLine(line: string): AgentEventBody {
  const bytes = new TextEncoder().encode(line).length;
  const truncated = line.length > longestLine;
  return { type: "agent.unparsed", line: truncated ? line.slice(0, longestLine) : line, bytes, truncated };
}
