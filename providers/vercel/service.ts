import type * as VercelSdk from "@vercel/sandbox";
import {
  SandboxAgentError,
  type VendorContext,
  isJsonObject,
  loadPeer,
  objectField,
  parseJson,
  stringField,
  vendorFailure,
} from "../../src/kit.ts";
import type { VercelSettings } from "./options.ts";

export const providerName = "vercel";

/** Where the credential is looked for. */
export const credentialVariables: readonly string[] = [
  "VERCEL_TOKEN",
  "VERCEL_TEAM_ID",
  "VERCEL_PROJECT_ID",
  "VERCEL_OIDC_TOKEN",
];

export const credentialRemedy =
  "Set VERCEL_TOKEN, VERCEL_TEAM_ID and VERCEL_PROJECT_ID, or VERCEL_OIDC_TOKEN (`vercel env pull`), or give them as " +
  "vercel({ token, teamId, projectId }).";

const sdk = {
  name: "@vercel/sandbox",
  range: "^3.5.0",
  accepts: (version: string) => /^3\.(?:[5-9]|\d{2,})\.\d+/.test(version),
  neededBy: "vercel()",
};

export type Sdk = typeof VercelSdk;

export interface Credentials {
  readonly token: string;
  readonly teamId: string;
  readonly projectId: string;
}

/** What an action is about, for the message of its failure. */
export type Action = Pick<VendorContext, "action" | "id" | "image">;

/** The vendor's service, as this provider speaks to it. */
export interface Service {
  readonly sdk: Sdk;
  /** Of every call of the vendor's client. */
  readonly access: Credentials & { readonly fetch: typeof fetch };
  readonly requestTimeoutMs: number;
  /** Does something by the vendor's client; what fails becomes a coded error. */
  call<Value>(action: Action, work: () => Promise<Value>): Promise<Value>;
  /** A request of the library's own. It has no time-out but the signal. */
  request(
    method: "GET" | "POST",
    path: string,
    options: { readonly body?: object; readonly signal: AbortSignal },
  ): Promise<Response>;
}

/**
 * Loads the package; makes no request.
 *
 * @throws SandboxAgentError `provider_authentication_failed` without a credential, `dependency_missing`.
 */
export async function openService(settings: VercelSettings): Promise<Service> {
  const credentials = credentialsOf(settings);
  const module = await loadPeer(sdk, () => import("@vercel/sandbox"));
  const { baseUrl, requestTimeoutMs } = settings;
  const { token, teamId } = credentials;
  return {
    sdk: module,
    access: { ...credentials, fetch: (url, init) => answerFor(baseUrl, requestTimeoutMs, url, init) },
    requestTimeoutMs,
    call: async (action, work) => {
      try {
        return await work();
      } catch (error) {
        throw failureOf(error, action);
      }
    },
    request: async (method, path, { body, signal }) => {
      const response = await fetch(`${baseUrl}${path}?teamId=${encodeURIComponent(teamId)}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
      });
      if (!response.ok) throw await Refusal.of(response);
      return response;
    },
  };
}

const ownAddress = "https://vercel.com/api";

/**
 * The requests of the vendor's client. It repeats by itself what failed, whether or not it was carried out, and so could
 * make two sandboxes; it does not repeat what is called an abort. Its dispatcher is left out, since it may be of another
 * version than Node's own `fetch`.
 */
async function answerFor(
  baseUrl: string,
  timeoutMs: number,
  url: Parameters<typeof fetch>[0],
  init: RequestInit = {},
): Promise<Response> {
  const { method = "GET", headers = {}, body = null, signal } = init;
  const signals = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
  const asked = typeof url === "string" ? url : url instanceof URL ? url.href : url.url;
  const address = asked.replace(ownAddress, baseUrl);
  let response: Response;
  try {
    response = await fetch(address, { method, headers, body, signal: AbortSignal.any(signals) });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new Refusal(undefined, wordsOf(error), undefined, error);
  }
  // A file that is not there is no failure to the client.
  const isMissingFile = response.status === 404 && address.includes("/fs/read");
  if (!response.ok && !isMissingFile) throw await Refusal.of(response);
  return response;
}

function wordsOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "It did not answer in time.";
  return error instanceof Error ? error.message : String(error);
}

/** An answer that is an error, or none. */
export class Refusal extends Error {
  // The vendor's client takes it for final then.
  override readonly name = "AbortError";
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(status: number | undefined, message: string, retryAfterMs?: number, cause?: unknown) {
    super(message, { cause });
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  static async of(response: Response): Promise<Refusal> {
    const text = await response.text().catch(() => "");
    const message = stringField(objectField(parseJson(text), "error"), "message") ?? text.slice(0, 300);
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
    return new Refusal(response.status, message || "No reason was given.", retryAfterMs);
  }
}

/** Makes a coded error of whatever the vendor's client throws. */
export function failureOf(error: unknown, action: Action): SandboxAgentError {
  if (SandboxAgentError.is(error)) return error;
  const context = { ...action, provider: providerName, variables: credentialVariables };
  if (error instanceof Refusal) {
    const { status, message, retryAfterMs, cause } = error;
    // A sandbox that has ended is 410.
    return vendorFailure(context, { status: status === 410 ? 404 : status, message, retryAfterMs, cause });
  }
  const words =
    isJsonObject(error) && "response" in error ? "It answered what nobody understands." : wordsOf(error);
  return vendorFailure(context, { message: words, cause: error });
}

/** The client would look for more by itself, and ask the user to log in. */
function credentialsOf(settings: VercelSettings): Credentials {
  const oidcToken = variable("VERCEL_OIDC_TOKEN");
  const token = settings.token ?? variable("VERCEL_TOKEN") ?? oidcToken;
  const claims = claimsOf(token) ?? claimsOf(oidcToken);
  const teamId = settings.teamId ?? variable("VERCEL_TEAM_ID") ?? stringField(claims, "owner_id");
  const projectId = settings.projectId ?? variable("VERCEL_PROJECT_ID") ?? stringField(claims, "project_id");
  if (token !== undefined && teamId !== undefined && projectId !== undefined) {
    return { token, teamId, projectId };
  }
  const missing = Object.entries({ token, teamId, projectId }).flatMap(([name, value]) =>
    value === undefined ? [name] : [],
  );
  throw new SandboxAgentError(
    "provider_authentication_failed",
    `${providerName} has no ${missing.join(", ")}: neither options nor variables (${credentialVariables.join(", ")}) say.`,
    { details: { provider: providerName, variables: credentialVariables }, remedy: credentialRemedy },
  );
}

function variable(name: string): string | undefined {
  const value = process.env[name];
  return value === "" ? undefined : value;
}

function claimsOf(token: string | undefined): unknown {
  const [, payload, signature] = token?.split(".") ?? [];
  if (payload === undefined || signature === undefined) return undefined;
  return parseJson(Buffer.from(payload, "base64url").toString());
}
