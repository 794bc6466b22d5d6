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
  const told = readable(message);
  const status = bodyStatus(message) ?? statusOf(exit.code);
  if (/API[ _]key not valid|API_KEY_INVALID/i.test(message))
    return { ...modelFailure(told, 401), status: 400 };
  return modelFailure(told, status);
}

/** The error of a process that ended without a result. */
export function exitFailure(exit: AgentExit): TurnErrorInfo {
  const message = lastErrorLine(exit.stderr);
  if (exit.code === authenticationFailed) {
    return { code: "authentication_failed", message, retryable: false, ...exitFacts(exit) };
  }
  if (exit.code === turnLimitReached) {
    return { code: "budget_exceeded", message, retryable: false, ...exitFacts(exit) };
  }
  return exitedFailure("Gemini CLI", exit);
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
