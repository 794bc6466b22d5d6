import { numberField, stringField, type NativeSession, type TurnErrorInfo } from "../../../src/kit.ts";
import { serverFailure } from "../events/failures.ts";

/** The version of the server's protocol that this backend speaks. */
const protocolVersion = 3;

/** Why the server cannot be spoken with, from its answer to `connect`. */
export function versionProblem(result: unknown): TurnErrorInfo | undefined {
  const version = numberField(result, "protocolVersion");
  if (version === protocolVersion) return undefined;
  const cli = stringField(result, "version");
  const message = `The Copilot CLI${cli === undefined ? "" : ` ${cli}`} speaks version ${String(version)} of its protocol, where version ${String(protocolVersion)} is needed.`;
  return { code: "protocol_error", message, retryable: false };
}

export type SessionRefusal =
  { readonly type: "lost" } | { readonly type: "failed"; readonly error: TurnErrorInfo };

/** Why there is no session, from the server's error. */
export function sessionRefusal(message: string, resume: NativeSession | undefined): SessionRefusal {
  if (resume !== undefined && /session not found|no such session|session .* does not exist/i.test(message)) {
    return { type: "lost" };
  }
  return { type: "failed", error: serverFailure(message) };
}
