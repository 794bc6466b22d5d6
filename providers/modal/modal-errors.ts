import { SandboxAgentError, vendorFailure } from "../../src/kit.ts";

/** The provider's name, which is the prefix of its sandboxes' ids. */
export const providerName = "modal";

const variables = ["MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"] as const;

/** Codes of gRPC, and what HTTP has for them. */
const statuses: { readonly [code: number]: number } = {
  3: 400,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  13: 500,
  16: 401,
};
const unavailable = 14;

export interface RequestFacts {
  /** For example "create a sandbox". */
  readonly action: string;
  readonly id?: string;
  readonly image?: string;
}

/** Makes a coded error of whatever the vendor's client threw. */
export function modalFailure(facts: RequestFacts, error: unknown): SandboxAgentError {
  if (SandboxAgentError.is(error)) return error;
  const message = wordsOf(error);
  const code = codeOf(error);
  if (isLostConnection(error)) {
    return new SandboxAgentError("provider_unavailable", `modal does not answer: ${message}`, {
      details: { provider: providerName },
      cause: error,
    });
  }
  if (facts.image !== undefined && /image build/i.test(message)) {
    const words = `The image ${JSON.stringify(facts.image)} cannot be used: ${message}`;
    return new SandboxAgentError("image_unavailable", words, {
      details: { image: facts.image },
      cause: error,
    });
  }
  const { action, id } = facts;
  const status = code === undefined ? statusByName(error) : statuses[code];
  if (status === 401 || status === 403 || isNoCredential(error)) {
    return new SandboxAgentError("provider_authentication_failed", `modal could not ${action}: ${message}`, {
      details: { provider: providerName, variables, ...(status === undefined ? {} : { status }) },
      cause: error,
      remedy:
        "Set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET to a token made at https://modal.com/settings/tokens.",
    });
  }
  const context = { provider: providerName, action, variables, ...(id === undefined ? {} : { id }) };
  return vendorFailure(context, { status, message, cause: error });
}

export function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "number" ? error.code : undefined;
}

/** Whether the client has such an error where a connection broke, or could not be made. */
export function isLostConnection(error: unknown): boolean {
  return codeOf(error) === unavailable;
}

export function isNotFound(error: unknown): boolean {
  return codeOf(error) === 5 || (error instanceof Error && error.name === "NotFoundError");
}

/** The client has classes of its own for some codes. */
function statusByName(error: unknown): number | undefined {
  const byName: { readonly [name: string]: number } = {
    NotFoundError: 404,
    AlreadyExistsError: 409,
    ConflictError: 409,
    InvalidError: 400,
    ResourceExhaustedError: 429,
  };
  return error instanceof Error && Object.hasOwn(byName, error.name) ? byName[error.name] : undefined;
}

function isNoCredential(error: unknown): boolean {
  return error instanceof Error && /missing token_id|credentials|not authenticated/i.test(error.message);
}

export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "details" in error && typeof error.details === "string" && error.details !== ""
    ? error.details
    : error.message;
}
