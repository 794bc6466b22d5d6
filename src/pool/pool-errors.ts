import { errorText } from "../errors/error-text.ts";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type { ErrorCode } from "../spec/errors.ts";

/** What does not pass by itself while the program runs: those who wait need not wait for it. */
const permanentCodes: readonly ErrorCode[] = [
  "cli_missing",
  "credential_missing",
  "dependency_missing",
  "model_not_found",
  "provider_authentication_failed",
  "unsupported",
];

export function isPermanent(error: unknown): boolean {
  return SandboxAgentError.is(error) ? permanentCodes.includes(error.code) : error instanceof TypeError;
}

export function poolClosed(provider: string): SandboxAgentError<"pool_closed"> {
  return new SandboxAgentError("pool_closed", `The pool of sandboxes of ${provider} is closed.`, {
    details: { provider },
  });
}

/** A sandbox took longer to be made than it may. */
export function timedOut(provider: string, timeoutMs: number): SandboxAgentError<"sandbox_create_failed"> {
  const message = `A sandbox of ${provider} was not ready within ${String(timeoutMs)} ms.`;
  return new SandboxAgentError("sandbox_create_failed", message, { details: { provider } });
}

/** Why a caller got no sandbox in time: by the code of what failed, where something did. */
export function takeFailure(
  failure: unknown,
  facts: {
    readonly provider: string;
    readonly timeoutMs: number;
    readonly taken: number;
    readonly maxSize: number;
  },
): SandboxAgentError {
  const { provider, timeoutMs, taken, maxSize } = facts;
  const message = `The pool had no sandbox of ${provider} to hand out within ${String(timeoutMs)} ms`;
  if (failure === undefined) {
    return new SandboxAgentError(
      "pool_timeout",
      `${message}: ${String(taken)} of at most ${String(maxSize)} are taken.`,
      { details: { timeoutMs, taken, maxSize } },
    );
  }
  if (SandboxAgentError.is(failure)) {
    const { code, details, remedy } = failure;
    return new SandboxAgentError(code, `${message}. ${failure.reason}`, { details, remedy, cause: failure });
  }
  return new SandboxAgentError("sandbox_create_failed", `${message}: ${errorText(failure)}`, {
    details: { provider },
    cause: failure,
  });
}
