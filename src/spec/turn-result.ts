import type { TurnErrorInfo } from "./events.ts";
import type { StopReason, Usage } from "./usage.ts";

/** What a turn came to. */
export interface TurnResult {
  readonly turnId: string;
  readonly sessionId: string;
  readonly status: "completed" | "failed" | "interrupted";
  /** The text of the turn's last message, also a partial one. */
  readonly text: string;
  /** The structured output, where one was asked for. */
  readonly output?: unknown;
  /** Present on a completed turn. */
  readonly stopReason?: StopReason;
  readonly usage: Usage;
  /** US dollars; absent where the CLI does not tell. */
  readonly costUsd?: number;
  /** From the moment the turn left the queue. */
  readonly durationMs: number;
  /** Present on a failed turn. */
  readonly error?: TurnErrorInfo;
  /** Present on an interrupted turn. */
  readonly interruptedBy?: "host" | "timeout" | "budget" | "agent";
}
