import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";

/** What a request to a vendor's service was for. */
export interface VendorContext {
  /** The provider's name. */
  readonly provider: string;
  /** For example "create a sandbox". */
  readonly action: string;
  /** The variables that can hold the credential. */
  readonly variables: readonly string[];
  /** The sandbox concerned, without the provider's prefix. */
  readonly id?: string;
  /** The image, template or snapshot that was asked for, when a 404 can only mean that one. */
  readonly image?: string;
}

/** What came of the request, in whatever words the vendor's SDK has for it. */
export interface VendorAnswer {
  /** Of the HTTP answer; `undefined` when there was none. */
  readonly status?: number | undefined;
  /** The vendor's own words, without secrets. */
  readonly message: string;
  /** From `Retry-After`. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Makes a coded error, with its remedy, of a vendor's refusal or silence. */
export function vendorFailure(context: VendorContext, answer: VendorAnswer): SandboxAgentError {
  const { provider, action, variables, id, image } = context;
  const { status, message, retryAfterMs, cause } = answer;
  const words = `${provider} could not ${action}${status === undefined ? "" : ` (${status})`}: ${message}`;
  const facts = status === undefined ? { provider } : { provider, status };
  if (status === 401 || status === 403) {
    return new SandboxAgentError("provider_authentication_failed", words, {
      details: { ...facts, variables },
      cause,
    });
  }
  if (status === 404 && id !== undefined) {
    return new SandboxAgentError("sandbox_not_found", words, { details: { id }, cause });
  }
  if (status === 404 && image !== undefined) {
    return new SandboxAgentError("image_unavailable", words, { details: { image }, cause });
  }
  if (status === 429) {
    const details = retryAfterMs === undefined ? { provider } : { provider, retryAfterMs };
    return new SandboxAgentError("provider_rate_limited", words, { details, cause });
  }
  if (status !== undefined && status >= 400 && status < 500 && id === undefined) {
    return new SandboxAgentError("sandbox_create_failed", words, { details: { provider }, cause });
  }
  if (status === undefined && isUnreachable(cause)) {
    return new SandboxAgentError("provider_unavailable", words, { details: { provider }, cause });
  }
  return new SandboxAgentError("provider_failed", words, { details: facts, cause });
}

/**
 * Whether a request was certainly not carried out, so that to repeat it cannot do it twice: nobody took the connection,
 * or the answer was 429.
 */
export function refusedSafely(error: unknown): boolean {
  return (
    SandboxAgentError.is(error, "provider_rate_limited") ||
    SandboxAgentError.is(error, "provider_unavailable")
  );
}

/** Codes of a connection that was never made. */
const unreachable = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/** The code may be several causes deep, since clients wrap what `fetch` throws. */
function isUnreachable(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < 5 && typeof current === "object" && current !== null; depth++) {
    if ("code" in current && typeof current.code === "string" && unreachable.has(current.code)) return true;
    current = "cause" in current ? current.cause : undefined;
  }
  return false;
}
