import { errorText } from "../errors/error-text.ts";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type { ErrorCode, ErrorDetails } from "../spec/errors.ts";
import type { TurnErrorInfo } from "../spec/events.ts";
import type { ProcessExit } from "../spec/sandbox.ts";
import type { TurnResult } from "../spec/turn-result.ts";

const retryableCodes: ReadonlySet<ErrorCode> = new Set([
  "rate_limited",
  "model_overloaded",
  "model_error",
  "network_error",
  "agent_exited",
]);

/** What a thrown error means for the turn it was thrown in. */
export function errorInfoOf(error: unknown): TurnErrorInfo {
  if (SandboxAgentError.is(error)) {
    const details: Partial<ErrorDetails["session_start_failed"]> =
      "stderr" in error.details ? error.details : {};
    return {
      code: error.code,
      message: error.reason,
      retryable: retryableCodes.has(error.code),
      ...(details.stderr === undefined ? {} : { stderr: details.stderr }),
      ...(details.exitCode === undefined ? {} : { exitCode: details.exitCode }),
    };
  }
  return { code: "agent_error", message: errorText(error), retryable: false };
}

export function agentExited(exit: ProcessExit | undefined, stderr: string): TurnErrorInfo {
  const how =
    exit === undefined
      ? "and it is not known how"
      : exit.signal === null
        ? `with exit code ${String(exit.code)}`
        : `by ${exit.signal}`;
  return {
    code: "agent_exited",
    message: `The agent's CLI ended in the middle of the turn, ${how}.`,
    retryable: true,
    ...(stderr === "" ? {} : { stderr }),
    ...(exit === undefined || exit.code === null ? {} : { exitCode: exit.code }),
    ...(exit === undefined || exit.signal === null ? {} : { signal: exit.signal }),
  };
}

/** The error that `createSession` rejects with. */
export function startFailure(agent: string, info: TurnErrorInfo): SandboxAgentError {
  const { code, stderr, exitCode } = info;
  const message = `${agent}: ${info.message}${stderr === undefined ? "" : `\n${stderr}`}`;
  return createError(code, message, {
    agent,
    ...(stderr === undefined ? {} : { stderr }),
    ...(exitCode === undefined ? {} : { exitCode }),
  });
}

/** The error that an awaited turn rejects with when it failed. */
export function turnFailure(result: TurnResult, info: TurnErrorInfo, cause: unknown): SandboxAgentError {
  const { message, retryable: _retryable, code, ...facts } = info;
  return createError(code, message, facts, { result, cause });
}

/** Codes that come as data have details of which only the common part is known here. */
function createError(
  code: ErrorCode,
  message: string,
  facts: object,
  rest: { readonly result?: TurnResult; readonly cause?: unknown } = {},
): SandboxAgentError {
  return new SandboxAgentError(code, message, { details: facts, ...rest });
}
