import {
  exitedFailure,
  exitFacts,
  lastErrorLine,
  modelFailure,
  objectField,
  parseJson,
  stringField,
  type AgentExit,
  type TurnErrorInfo,
} from "../../src/kit.ts";

/** Exit codes of the CLI's own; that of an API error is the last byte of its HTTP status. */
const authenticationFailed = 41;
const turnLimitReached = 53;

/** The error of a result whose process has ended. */
export function resultFailure(message: string, exit: AgentExit): TurnErrorInfo {
  if (exit.code === turnLimitReached) return { code: "budget_exceeded", message, retryable: false };
  return namedFailure(message) ?? modelFailure(readable(message), bodyStatus(message) ?? statusOf(exit.code));
}

/** The error of a model's answer that the CLI could not use: an empty, a malformed or a blocked one. */
export function answerFailure(message: string): TurnErrorInfo {
  return { code: "model_error", message, retryable: !/\bblocked\b/i.test(message) };
}

/** What an error's words say better than the status that the CLI tells. */
export function namedFailure(message: string): TurnErrorInfo | undefined {
  const told = readable(message);
  // The API answers a key that it does not know with status 400.
  if (/API[ _]key not valid|API_KEY_INVALID/i.test(message))
    return { ...modelFailure(told, 401), status: 400 };
  // The CLI makes a 500, or nothing, of these.
  if (/\bmodels\/\S+ is not found\b/i.test(told)) return modelFailure(told, 404);
  if (/\bfetch failed\b|^terminated$/i.test(told)) return modelFailure(told);
  return undefined;
}

/** The error of a process that ended without a result. */
export function exitFailure(exit: AgentExit): TurnErrorInfo {
  const message = lastErrorLine(exit.stderr);
  if (exit.code === authenticationFailed) {
    // The last line only says to try again.
    const reason = exit.stderr.split("\n").find((line) => /auth|credential|_KEY\b/i.test(line));
    const told = reason?.trim() ?? message;
    return { code: "authentication_failed", message: told, retryable: false, ...exitFacts(exit) };
  }
  if (exit.code === turnLimitReached) {
    return { code: "budget_exceeded", message, retryable: false, ...exitFacts(exit) };
  }
  return exitedFailure("Gemini CLI", exit);
}

/** What the CLI says on standard error in every session. */
const noise =
  /^(?:YOLO mode is enabled\b|Ripgrep is not available\b|Warning: 256-color support\b|\[STARTUP\] )/;

/** The exit without what says nothing of why it came to it. */
export function quietExit(exit: AgentExit): AgentExit {
  const lines = exit.stderr.split("\n").filter((line) => !noise.test(line));
  return { ...exit, stderr: lines.join("\n") };
}

/** Whether the process ended because there is no session to resume. */
export function isSessionLost({ stderr }: AgentExit): boolean {
  return /Error resuming session: (?:Invalid session identifier|No previous sessions)/.test(stderr);
}

/** `[API Error: {"error":{"code":401,"message":"…"}}]` */
function readable(message: string): string {
  const body = bodyOf(message);
  return stringField(objectField(body, "error"), "message") ?? unwrapped(message);
}

function bodyStatus(message: string): number | undefined {
  const code = objectField(bodyOf(message), "error")["code"];
  return typeof code === "number" && code >= 400 && code <= 599 ? code : undefined;
}

function bodyOf(message: string): unknown {
  return parseJson(unwrapped(message));
}

function unwrapped(message: string): string {
  return message.replace(/^\[API Error: (.*?)\](?=\n|$)/s, "$1");
}

function statusOf(code: number | null): number | undefined {
  // 144 to 255 are 400 to 511; the codes below are a shell's, or the CLI's own.
  return code !== null && code >= 144 && code <= 255 ? code + 256 : undefined;
}
