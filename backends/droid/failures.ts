import {
  exitFacts,
  howItEnded,
  lastErrorLine,
  modelFailure,
  numberField,
  stringField,
  type AgentExit,
  type ErrorCode,
  type TurnErrorInfo,
} from "../../src/kit.ts";

/** What Droid says of a turn that has failed, where the API's own words do not tell more. */
const codes: { readonly [reason: string]: ErrorCode } = {
  model_authentication_failed: "authentication_failed",
  model_rate_limited: "rate_limited",
  model_usage_exhausted: "rate_limited",
  model_provider_unreachable: "network_error",
  model_provider_unavailable: "model_error",
};

/** Reasons of which the same prompt may not fail again. */
const passing: ReadonlySet<ErrorCode> = new Set(["rate_limited", "network_error", "model_error"]);

/** The error of a turn that ended for a reason other than its completion. */
export function turnFailure(reason: string, message: string | undefined): TurnErrorInfo {
  const text = message === undefined || message === "" ? `Droid ended the turn: ${reason}.` : message;
  const error = modelFailure(text);
  const code = Object.hasOwn(codes, reason) ? codes[reason] : undefined;
  if (code === undefined || error.status !== undefined || error.code !== "agent_error") return error;
  // A limit that is used up is not lifted by waiting a little.
  return { ...error, code, retryable: passing.has(code) && reason !== "model_usage_exhausted" };
}

/** What the CLI answered to a request that it refused. */
export interface Refusal {
  readonly code: number | undefined;
  readonly message: string;
}

export function refusalOf(error: unknown): Refusal {
  const message = stringField(error, "message") ?? "";
  return {
    code: numberField(error, "code"),
    message: message === "" ? "Droid refused it without a reason." : message,
  };
}

/** Whether a session was not taken up because there is no such session. */
export function isSessionMissing({ code, message }: Refusal): boolean {
  return code === -32004 || /session not found/i.test(message);
}

/** The error of a session that Droid would not begin. */
export function startRefusal({ message }: Refusal, model: string | undefined): TurnErrorInfo {
  return startError(
    model !== undefined && /^model not allowed/i.test(message)
      ? unknownModel(model)
      : `Droid did not begin the session: ${message.replace(/\.$/, "")}.`,
  );
}

export function unknownModel(model: string): string {
  return `Droid has no model ${model}.`;
}

/** The error of a process that ended before it could be prompted. */
export function exitedAtStart(exit: AgentExit): TurnErrorInfo {
  return { ...startError(startMessage(exit)), ...exitFacts(exit) };
}

export function startError(message: string): TurnErrorInfo {
  return { code: "session_start_failed", message, retryable: false };
}

function startMessage(exit: AgentExit): string {
  const { stderr } = exit;
  const said = lastErrorLine(stderr);
  if (/unknown option/i.test(stderr)) {
    return `Droid does not know an argument: ${said}. Check "extraArgs", and the version of the CLI.`;
  }
  if (/authentication failed|FACTORY_API_KEY|log ?in/i.test(stderr)) {
    return `Droid is not logged in: ${said}. Give the option "apiKey", or FACTORY_API_KEY in "env".`;
  }
  return `Droid ended ${howItEnded(exit)} before it was ready${said === "" ? "" : `: ${said}`}.`;
}
