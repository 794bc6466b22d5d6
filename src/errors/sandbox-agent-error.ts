import type { ErrorCode, ErrorDetails } from "../spec/errors.ts";
import type { TurnResult } from "../spec/turn-result.ts";
import { remedies } from "./remedies.ts";

/** Recognizes the error across copies of the library in one process. */
const marker = Symbol.for("playpen.SandboxAgentError");

export interface SandboxAgentErrorOptions<Code extends ErrorCode> {
  readonly details: ErrorDetails[Code];
  readonly cause?: unknown;
  /** Instead of the code's usual remedy. */
  readonly remedy?: string;
  /** What the turn had produced when it failed. */
  readonly result?: TurnResult;
}

/**
 * The one error class of the library. `code` says what failed, `details` holds the facts, `remedy` what to do.
 *
 * @example
 * ```ts
 * try {
 *   await session.prompt("Fix the build");
 * } catch (error) {
 *   if (SandboxAgentError.is(error, "rate_limited")) await retryLater(error.details.status);
 * }
 * ```
 */
export class SandboxAgentError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "SandboxAgentError";
  readonly code: Code;
  readonly details: ErrorDetails[Code];
  /** What failed and why, without the remedy. `message` holds both. */
  readonly reason: string;
  readonly remedy: string;
  /** The partial result, on errors that end a turn. */
  readonly result: TurnResult | undefined;

  constructor(code: Code, message: string, options: SandboxAgentErrorOptions<Code>) {
    const remedy = options.remedy ?? remedies[code];
    super(`${message}\n${remedy}`, { cause: options.cause });
    Object.defineProperty(this, marker, { value: true });
    this.code = code;
    this.details = options.details;
    this.reason = message;
    this.remedy = remedy;
    this.result = options.result;
  }

  /** Tells whether a value is such an error, of one code when it is given. Narrows `details`. */
  static is<Code extends ErrorCode>(error: unknown, code?: Code): error is SandboxAgentErrorOf<Code> {
    return (
      typeof error === "object" &&
      error !== null &&
      marker in error &&
      (code === undefined || (error as { code?: unknown }).code === code)
    );
  }
}

/** The error narrowed by its code, as a union that distributes over several. */
export type SandboxAgentErrorOf<Code extends ErrorCode> = {
  [Key in Code]: SandboxAgentError<Key>;
}[Code];
