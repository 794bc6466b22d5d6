import {
  exitFacts,
  howItEnded,
  lastErrorLine,
  numberField,
  stringField,
  type AgentExit,
  type ErrorCode,
  type JsonObject,
  type TurnErrorInfo,
} from "../../src/kit.ts";

const retryable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "rate_limited",
  "model_overloaded",
  "model_error",
  "network_error",
  "agent_exited",
]);

/** The error of a turn that the model's API made fail. `kind` is the CLI's own word for it. */
export function apiFailure(result: JsonObject, kind: string | undefined): TurnErrorInfo {
  const status = numberField(result, "api_error_status");
  const message = stringField(result, "result") ?? "The model's API reported an error.";
  const code = apiErrorCode(kind, status, message, stringField(result, "terminal_reason"));
  return {
    code,
    message,
    retryable: retryable.has(code),
    ...(status === undefined ? {} : { status }),
  };
}

function apiErrorCode(
  kind: string | undefined,
  status: number | undefined,
  message: string,
  terminalReason: string | undefined,
): ErrorCode {
  if (terminalReason === "prompt_too_long" || status === 413) return "context_too_long";
  if (message.startsWith("Prompt is too long")) return "context_too_long";
  if (status === 401 || status === 403 || kind === "authentication_failed") return "authentication_failed";
  if (status === 429 || kind === "rate_limit") return "rate_limited";
  if (status === 529 || status === 503 || kind === "overloaded") return "model_overloaded";
  if (status === 404 || kind === "model_not_found") return "model_not_found";
  if (status !== undefined) return status >= 500 ? "model_error" : "agent_error";
  // Without a status there was no answer, or only a part of one, and the text is all there is.
  const lower = message.toLowerCase();
  const told = messageWords.find(([, words]) => words.some((word) => lower.includes(word)));
  if (told !== undefined) return told[0];
  return kind === "server_error" ? "model_error" : "agent_error";
}

const messageWords: readonly (readonly [ErrorCode, readonly string[]])[] = [
  ["model_overloaded", ["overloaded"]],
  ["rate_limited", ["rate limit", "rate_limit"]],
  ["network_error", ["unable to connect", "connection", "timed out", "timeout", "socket", "econn"]],
  ["model_error", ["internal server error"]],
];

/** The error of a process that ended before it could be prompted. */
export function startFailure(exit: AgentExit): TurnErrorInfo {
  return { code: "session_start_failed", message: startMessage(exit), retryable: false, ...exitFacts(exit) };
}

function startMessage(exit: AgentExit): string {
  const { stderr } = exit;
  if (stderr.includes("cannot be used with root/sudo")) {
    return 'Claude Code lets root bypass its permissions only with IS_SANDBOX=1 in its environment. Remove the variable from "env", or run as another user.';
  }
  if (stderr.includes("is already in use")) {
    return "Claude Code has a session with this id already, of which the library does not know. Resume it by its id, or create a new session.";
  }
  const said = lastErrorLine(stderr);
  if (stderr.includes("unknown option")) {
    return `Claude Code does not know an argument: ${said} Check "extraArgs", and the version of the CLI.`;
  }
  return `Claude Code ended ${howItEnded(exit)} before it was ready${said === "" ? "" : `: ${said}`}.`;
}
