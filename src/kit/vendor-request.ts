import { parseJson, stringField } from "./json.ts";
import { type VendorContext, vendorFailure } from "./vendor-failure.ts";

export interface VendorRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: string;
  /** Beside the content type. */
  readonly headers: { readonly [name: string]: string };
  /** Sent as JSON; without it the body is empty. */
  readonly body?: unknown;
  /** How long to wait for the whole answer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What it is for, as the error will say. */
  readonly context: VendorContext;
}

/**
 * Asks a vendor's REST service, for an adapter whose vendor has no SDK. Resolves to the JSON of the answer, or to
 * `undefined` where that is empty. Redirections are not followed, since the credential would be.
 *
 * @throws SandboxAgentError of `vendorFailure` for whatever is no success: a status, a silence, an answer that is no JSON.
 * @throws `signal.reason` once the signal is aborted; whether the request was carried out is not known then.
 */
export async function requestVendor(request: VendorRequest): Promise<unknown> {
  const { context, body } = request;
  const { status, headers, text } = await exchange(request);
  if (status < 200 || status > 299) {
    const retryAfterMs = retryAfter(headers);
    throw vendorFailure(context, {
      status,
      message: wordsOf(text),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
  if (text.trim() === "") return undefined;
  const json = parseJson(text);
  if (json !== undefined) return json;
  throw vendorFailure(context, {
    message: `its answer to ${request.method} is no JSON${body === undefined ? "" : "; what was asked for may have been done"}.`,
  });
}

async function exchange(
  request: VendorRequest,
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> {
  const { method, url, headers, body, timeoutMs, signal, context } = request;
  signal?.throwIfAborted();
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await fetch(url, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? late : AbortSignal.any([late, signal]),
      redirect: "manual",
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  } catch (cause) {
    signal?.throwIfAborted();
    const message = late.aborted
      ? `it did not answer within ${timeoutMs} ms.`
      : `the connection failed: ${innermostWords(cause)}`;
    throw vendorFailure(context, { message, cause });
  }
}

/** `Retry-After` in seconds, or as a date. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds * 1000)) : undefined;
}

const longestWords = 500;

/** Vendors word their errors in a field, or as plain text. */
function wordsOf(text: string): string {
  const json = parseJson(text);
  const words = stringField(json, "error") ?? stringField(json, "message") ?? text.trim();
  return words === "" ? "it gave no reason." : words.slice(0, longestWords);
}

/** `fetch` says only that it failed, and has the reason as its cause. */
function innermostWords(error: unknown): string {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  return current instanceof Error ? current.message || current.name : String(current);
}
