import type { AgentEventBody } from "../../src/kit.ts";
import { turnFailure } from "./failures.ts";
import type { Turn } from "./turn.ts";

/** The terminal event of a turn, by the reason that Droid gives for its end. */
export function turnEnd(turn: Turn, reason: string): AgentEventBody {
  const { output, errorMessage, isInterrupting } = turn;
  switch (reason) {
    case "completed":
      return {
        type: "turn.completed",
        stopReason: "end_turn",
        ...(output === undefined ? {} : { output }),
      };
    case "structured_output_missing":
    case "structured_output_invalid":
    case "structured_output_schema_invalid":
      // The core looks for an output in the text, and asks for it again where there is none.
      return { type: "turn.completed", stopReason: "end_turn" };
    case "permission_rejected":
    case "spec_handoff":
      return { type: "turn.completed", stopReason: "other" };
    case "cancelled":
      return { type: "turn.interrupted", by: isInterrupting ? "host" : "agent" };
    default:
      if (isInterrupting) return { type: "turn.interrupted", by: "host" };
      return { type: "turn.failed", error: turnFailure(reason, errorMessage) };
  }
}
