import type { AgentExit } from "../spec/backend.ts";
import type { ErrorCode } from "../spec/errors.ts";
import type { AgentEventPayloads, TurnErrorInfo } from "../spec/events.ts";

type RetryReason = AgentEventPayloads["agent.retrying"]["reason"];

const retryable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "rate_limited",
  "model_overloaded",
  "model_error",
  "network_error",
  "agent_exited",
]);

const phrases: readonly (readonly [ErrorCode, RegExp])[] = [
  [
    "context_too_long",
    /context[_ ](?:length|window)|maximum context|prompt is too long|prompt budget|input exceeds|too many (?:input )?tokens|input token count/i,
  ],
  ["model_overloaded", /overloaded|at capacity|currently unavailable/i],
  ["rate_limited", /rate[_ ]?limit|too many requests|quota|resource[_ ]exhausted/i],
  [
    "model_not_found",
    /model\b.*(?:does not exist|not found|not supported|not available)|(?:unknown|no such|invalid) model/i,
  ],
  [
    "authentication_failed",
    /invalid (?:x-)?api[_ -]?key|incorrect api key|unauthori[sz]ed|authentication|not logged in/i,
  ],
  [
    "network_error",
    /econn|enotfound|epipe|socket|fetch failed|network|unable to connect|connection (?:error|failed|refused|reset|closed)|timed? ?out|terminated|reading a body|decoding response body|disconnected|error sending request/i,
  ],
  ["model_error", /server[_ ]error|bad gateway|gateway time/i],
];

/**
 * Classifies an error of the model's API by its HTTP status, which may also stand in the message, or by its words where
 * there is none.
 *
 * @example
 * modelFailure("Rate limit exceeded", 429).code; // "rate_limited"
 */
export function modelFailure(message: string, status = statusIn(message)): TurnErrorInfo {
  const code = codeOf(message, status);
  return { code, message, retryable: retryable.has(code), ...(status === undefined ? {} : { status }) };
}

/** The status of an error that is told in words: `429 Too Many Requests`, `API Error (status 500)`. */
function statusIn(message: string): number | undefined {
  const match =
    /^\W*(?:\w+: )?([45]\d\d)\b|\b(?:status(?: code)?|http|error|rejected)[ :=(]{1,3}([45]\d\d)\b/i.exec(
      message,
    );
  const digits = match?.[1] ?? match?.[2];
  return digits === undefined ? undefined : Number(digits);
}

function codeOf(message: string, status: number | undefined): ErrorCode {
  const told = phrases.find(([, pattern]) => pattern.test(message))?.[0];
  switch (status) {
    case undefined:
      return told ?? "agent_error";
    case 401:
    case 403:
      return "authentication_failed";
    case 404:
      return "model_not_found";
    case 413:
      return "context_too_long";
    case 429:
      return "rate_limited";
    case 503:
    case 529:
      return "model_overloaded";
    default:
      if (status >= 500) return "model_error";
      return told === "context_too_long" || told === "model_not_found" ? told : "agent_error";
  }
}

const retryReasons: { readonly [Code in ErrorCode]?: RetryReason } = {
  rate_limited: "rate_limit",
  model_overloaded: "overload",
  model_error: "server",
  network_error: "network",
  authentication_failed: "authentication",
};

/** The reason that `agent.retrying` gives for an error. */
export function retryReasonOf(error: TurnErrorInfo): RetryReason {
  return retryReasons[error.code] ?? "other";
}

/** The error of a turn whose process ended in the middle of it. `agent` is the product's name, for people. */
export function exitedFailure(agent: string, exit: AgentExit): TurnErrorInfo {
  const said = lastErrorLine(exit.stderr);
  const message = `${agent} ended in the middle of the turn, ${howItEnded(exit)}${said === "" ? "" : `: ${said}`}.`;
  return { code: "agent_exited", message, retryable: true, ...exitFacts(exit) };
}

/** `with exit code 1` or `by SIGKILL`. */
export function howItEnded(exit: AgentExit): string {
  if (exit.signal !== null) return `by ${exit.signal}`;
  return exit.code === null ? "and it is not known how" : `with exit code ${String(exit.code)}`;
}

/** The members of an error that tell how a process ended. */
export function exitFacts(exit: AgentExit): Pick<TurnErrorInfo, "stderr" | "exitCode" | "signal"> {
  return {
    ...(exit.stderr === "" ? {} : { stderr: exit.stderr }),
    ...(exit.code === null ? {} : { exitCode: exit.code }),
    ...(exit.signal === null ? {} : { signal: exit.signal }),
  };
}

/** The line of standard error that most likely says what went wrong; empty when there is none. */
export function lastErrorLine(stderr: string): string {
  const lines = stderr.trim().split("\n");
  return (lines.find((line) => /^(?:\w+)?error:/i.test(line)) ?? lines.at(-1) ?? "")
    .trim()
    .replace(/\.$/, "");
}
