import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type { Availability } from "../spec/sandbox.ts";

/** What a provider advises when it cannot be used. */
export interface UnavailableRemedies {
  /** What to do where the service refuses the credential; default: what the error says. */
  readonly credential?: string;
  /** What to do about an error that is not one of the library's. */
  readonly other: string;
}

/**
 * Makes what a provider's `check()` answers of the error that its service, engine or SDK failed with.
 *
 * @example
 * ```ts
 * try {
 *   await service.list();
 *   return { available: true };
 * } catch (error) {
 *   return unavailable(error, { credential: "Set MY_TOKEN.", other: "Look at the options of mine()." });
 * }
 * ```
 */
export function unavailable(error: unknown, remedies: UnavailableRemedies): Availability {
  if (!SandboxAgentError.is(error)) {
    return { available: false, reason: String(error), remedy: remedies.other };
  }
  const { reason, remedy } = error;
  const isCredential = SandboxAgentError.is(error, "provider_authentication_failed");
  return { available: false, reason, remedy: (isCredential ? remedies.credential : undefined) ?? remedy };
}
