import {
  arrayField,
  booleanField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type StopReason,
  type TerminalEventType,
} from "../../src/kit.ts";
import { answerIssues } from "./answer-schema.ts";
import { apiFailure } from "./failures.ts";
import type { TurnUsage } from "./usage-meter.ts";

type Terminal = Extract<AgentEventBody, { type: TerminalEventType }>;

export interface ResultContext {
  /** The host asked for the end of the turn. */
  readonly isInterrupting: boolean;
  /** The CLI's word for the error of the turn's last answer. */
  readonly apiError: string | undefined;
  /** Why the CLI refused the model's last output. */
  readonly refusedAnswer: string | undefined;
  readonly usage: TurnUsage;
  /** Requests to the model within the turn. */
  readonly requests: number;
}

/** The terminal event that a `result` line stands for, behind a notice where the text of it would get lost. */
export function turnEnd(result: JsonObject, context: ResultContext): readonly AgentEventBody[] {
  const { isInterrupting } = context;
  const subtype = stringField(result, "subtype");
  if (subtype === "success" && booleanField(result, "is_error") !== true) {
    const isAnswered = result["structured_output"] !== undefined;
    return [
      completed(result, context, isAnswered ? "end_turn" : stopReason(stringField(result, "stop_reason"))),
    ];
  }
  // A limit that the agent was given is not a failure of what it did until then: the next prompt goes on from there.
  if (subtype === "error_max_turns") return [completed(result, context, "max_turns")];
  if (isInterrupting || stringField(result, "terminal_reason")?.startsWith("aborted") === true) {
    const by = isInterrupting ? "host" : "agent";
    return [{ type: "turn.interrupted", by, ...figures(context) }];
  }
  if (subtype === "success") return apiErrorEnd(result, context);
  if (subtype === "error_max_structured_output_retries") return [refusedEnd(result, context)];
  // Unlike the rounds, the money is counted over the whole process: every later turn would fail the same way.
  const code = subtype === "error_max_budget_usd" ? "budget_exceeded" : "agent_error";
  const message = errorTexts(result) || `Claude Code ended the turn with ${subtype ?? "an unknown result"}.`;
  return [{ type: "turn.failed", error: { code, message, retryable: false }, ...figures(context) }];
}

/** The CLI has asked for another output often enough. */
function refusedEnd(result: JsonObject, context: ResultContext): Terminal {
  const { refusedAnswer = "" } = context;
  const issues = answerIssues(refusedAnswer);
  const texts = [errorTexts(result), refusedAnswer].filter((text) => text !== "");
  const message = texts.join(": ") || "Claude Code asked in vain for an output that follows the schema.";
  const error = { code: "output_invalid", message, retryable: false } as const;
  return {
    type: "turn.failed",
    error: issues.length === 0 ? error : { ...error, issues },
    ...figures(context),
  };
}

function apiErrorEnd(result: JsonObject, context: ResultContext): readonly AgentEventBody[] {
  const message = stringField(result, "result") ?? "";
  const reason: StopReason | undefined =
    stringField(result, "stop_reason") === "refusal"
      ? "refusal"
      : context.apiError === "max_output_tokens"
        ? "max_tokens"
        : undefined;
  if (reason === undefined) {
    return [{ type: "turn.failed", error: apiFailure(result, context.apiError), ...figures(context) }];
  }
  return [
    { type: "agent.notice", level: "warning", message },
    { type: "turn.completed", stopReason: reason, ...figures(context), numTurns: context.requests },
  ];
}

function completed(result: JsonObject, context: ResultContext, reason: StopReason): Terminal {
  const text = stringField(result, "result");
  const output = result["structured_output"];
  return {
    type: "turn.completed",
    stopReason: reason,
    ...(text === undefined ? {} : { text }),
    ...(output === undefined ? {} : { output }),
    ...figures(context),
    numTurns: context.requests,
  };
}

function figures({ usage }: ResultContext): Pick<TurnUsage, "usage" | "costUsd"> {
  return usage.costUsd === undefined
    ? { usage: usage.usage }
    : { usage: usage.usage, costUsd: usage.costUsd };
}

function stopReason(reason: string | undefined): StopReason {
  switch (reason) {
    case undefined:
    case "end_turn":
    case "stop_sequence":
      return "end_turn";
    case "max_tokens":
      return "max_tokens";
    case "refusal":
      return "refusal";
    default:
      return "other";
  }
}

/** The errors that a result names, without the CLI's notes to its own developers. */
export function errorTexts(result: JsonObject): string {
  return arrayField(result, "errors")
    .filter((error) => typeof error === "string")
    .filter((error) => !error.startsWith("[ede_diagnostic]"))
    .join("\n");
}
