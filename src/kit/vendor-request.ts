import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { parseJson, stringField } from "./json.ts";
import { type VendorContext, vendorFailure } from "./vendor-failure.ts";

/** One request to a vendor's API. */
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
  if (status < 200 || status > 299) throw refusal(context, status, headers, text);
  if (text.trim() === "") return undefined;
  const json = parseJson(text);
  if (json !== undefined) return json;
  throw vendorFailure(context, {
    message: `its answer to ${request.method} is no JSON${body === undefined ? "" : "; what was asked for may have been done"}.`,
  });
}

/** A request whose answer is read as it comes. */
export interface VendorAnswerRequest extends Omit<VendorRequest, "timeoutMs"> {
  /** How long to wait until the answer begins. */
  readonly timeoutMs: number;
  /** Sent as they are, in place of `body`. */
  readonly bytes?: Uint8Array;
  /** The error for an answer that comes from something else than the service, whatever its status is. */
  readonly doubt?: (answer: Response) => SandboxAgentError | undefined;
}

/**
 * Asks a vendor's REST service for an answer of any kind, which resolves when it begins. Its body is the caller's to read,
 * and ends with `signal`.
 *
 * @throws SandboxAgentError of `vendorFailure` for a status that is no success, a silence, and a doubt.
 * @throws `signal.reason` once the signal is aborted; whether the request was carried out is not known then.
 */
export async function openVendorAnswer(request: VendorAnswerRequest): Promise<Response> {
  const { timeoutMs, signal, context, doubt } = request;
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new DOMException("It took too long.", "TimeoutError"));
  }, timeoutMs);
  try {
    const answer = await answerTo({ ...request, late: late.signal });
    const doubtful = doubt?.(answer);
    if (!answer.ok || doubtful !== undefined) {
      const text = await answer.text();
      throw doubtful ?? refusal(context, answer.status, answer.headers, text);
    }
    return answer;
  } catch (cause) {
    signal?.throwIfAborted();
    throw failureOf(context, cause, late.signal.aborted ? timeoutMs : undefined);
  } finally {
    clearTimeout(timer);
  }
}

async function exchange(
  request: VendorRequest,
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> {
  const { timeoutMs, signal, context } = request;
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await answerTo({ ...request, late });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  } catch (cause) {
    signal?.throwIfAborted();
    throw failureOf(context, cause, late.aborted ? timeoutMs : undefined);
  }
}

async function answerTo(
  request: Omit<VendorAnswerRequest, "timeoutMs"> & { readonly late: AbortSignal },
): Promise<Response> {
  const { method, url, headers, body, bytes, signal, late } = request;
  signal?.throwIfAborted();
  return fetch(url, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(bytes === undefined ? {} : { body: bytes }),
    signal: signal === undefined ? late : AbortSignal.any([late, signal]),
    redirect: "manual",
  });
}

function refusal(context: VendorContext, status: number, headers: Headers, text: string): SandboxAgentError {
  const retryAfterMs = retryAfter(headers);
  return vendorFailure(context, {
    status,
    message: wordsOf(text),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function failureOf(context: VendorContext, cause: unknown, silentMs: number | undefined): SandboxAgentError {
  if (SandboxAgentError.is(cause)) return cause;
  const message =
    silentMs === undefined
      ? `the connection failed: ${innermostWords(cause)}`
      : `it did not answer within ${silentMs} ms.`;
  return vendorFailure(context, { message, cause });
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
