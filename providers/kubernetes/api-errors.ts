import { SandboxAgentError, isJsonObject, parseJson, stringField, vendorFailure } from "../../src/kit.ts";

/** The provider's name, which is the prefix of its sandboxes' ids. */
export const providerName = "kubernetes";

/** Where a credential is looked for, for messages. */
export const credentialVariables = ["KUBECONFIG", "KUBERNETES_SERVICE_HOST"] as const;

export interface RequestFacts {
  /** For example "create a pod". */
  readonly action: string;
  /** The pod concerned. */
  readonly id?: string;
}

/** Makes a coded error of whatever came of a request to the API server. */
export function apiFailure({ action, id }: RequestFacts, error: unknown): SandboxAgentError {
  if (SandboxAgentError.is(error)) return error;
  const status = statusOf(error);
  const message = wordsOf(error);
  const context = {
    provider: providerName,
    action,
    variables: credentialVariables,
    ...(id === undefined ? {} : { id }),
  };
  const retryAfterMs = retryAfterOf(error);
  const meant = meantStatus(status, message);
  if (meant === 401 || meant === 403) return notAllowed(action, meant, message, error);
  return vendorFailure(context, { status: meant, message, retryAfterMs, cause: error });
}

function notAllowed(action: string, status: number, words: string, cause: unknown): SandboxAgentError {
  return new SandboxAgentError(
    "provider_authentication_failed",
    `${providerName} could not ${action} (${status}): ${words}`,
    {
      details: { provider: providerName, variables: [...credentialVariables], status },
      cause,
      remedy:
        status === 401
          ? 'Renew the credential of the kubeconfig (KUBECONFIG), or give "server" and "token".'
          : "Let the user of the kubeconfig (KUBECONFIG) get, list, create and delete pods, and create pods/exec.",
    },
  );
}

/** The API server says 403 also where the request, not the credential, is at fault. */
function meantStatus(status: number | undefined, message: string): number | undefined {
  if (status !== 403) return status;
  if (/exceeded quota|maximum .* usage per/i.test(message)) return 429;
  return /violates PodSecurity|denied the request|is forbidden: (?!User )/i.test(message) ? 422 : status;
}

/** Of the HTTP answer; `undefined` when there was none. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "number" ? error.code : undefined;
}

function retryAfterOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("headers" in error)) return undefined;
  const seconds = Number(stringField(error.headers, "retry-after"));
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** The API server's own words, or the client's. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "AbortError" || error.name === "TimeoutError") return "It did not answer in time.";
  if (!("body" in error)) return error.message;
  const body: unknown = typeof error.body === "string" ? (parseJson(error.body) ?? error.body) : error.body;
  const message = isJsonObject(body) ? stringField(body, "message") : undefined;
  if (message !== undefined) return message;
  // What stands in front of an API server may answer with a page.
  return typeof body === "string" && body !== "" ? body.slice(0, 500) : "It gave no reason.";
}

/** An answer of the API server that is no success, where the client's class for it was not involved. */
export class ApiRefusal extends Error {
  readonly code: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;

  constructor(code: number, body: string, headers: { readonly [name: string]: string } = {}) {
    super(`The API server answered ${code}.`);
    this.code = code;
    this.body = body;
    this.headers = headers;
  }
}
