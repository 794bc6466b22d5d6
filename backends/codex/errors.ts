import {
  isJsonObject,
  numberField,
  retryReasonOf,
  stringField,
  type AgentEventBody,
  type ErrorCode,
  type JsonObject,
  type TurnErrorInfo,
} from "../../src/kit.ts";

type Kind = { readonly code: ErrorCode; readonly retryable: boolean };

/** Codex's own kinds of error that say more than a status. */
const kinds: { readonly [info: string]: Kind } = {
  contextWindowExceeded: { code: "context_too_long", retryable: false },
  sessionBudgetExceeded: { code: "budget_exceeded", retryable: false },
  usageLimitExceeded: { code: "rate_limited", retryable: false },
  rateLimitExceeded: { code: "rate_limited", retryable: true },
  flexUnavailable: { code: "model_overloaded", retryable: true },
  serverOverloaded: { code: "model_overloaded", retryable: true },
  policyCapacityUnavailable: { code: "model_overloaded", retryable: true },
  modelNotFound: { code: "model_not_found", retryable: false },
  internalServerError: { code: "model_error", retryable: true },
  unauthorized: { code: "authentication_failed", retryable: false },
};

/** `exec` tells the reason in words alone. */
const phrases: readonly (readonly [RegExp, Kind])[] = [
  [/context window|context length|maximum context/i, { code: "context_too_long", retryable: false }],
  [/quota exceeded|usage limit|hit your .*limit/i, { code: "rate_limited", retryable: false }],
  [/rate limit/i, { code: "rate_limited", retryable: true }],
  [/at capacity|overloaded/i, { code: "model_overloaded", retryable: true }],
  [/high demand|internal server error|server had an error/i, { code: "model_error", retryable: true }],
  [/model .*(?:does not exist|not found|not supported)/i, { code: "model_not_found", retryable: false }],
  [
    /connection failed|stream disconnected|error sending request|stream closed|timed? ?out|dns error/i,
    { code: "network_error", retryable: true },
  ],
];

/** The error of a turn from Codex's `TurnError`, or from the message alone. */
export function turnError(error: unknown): TurnErrorInfo {
  const message = readable(stringField(error, "message") ?? "Codex failed without a reason.");
  const details = stringField(error, "additionalDetails");
  const status = statusOf(error);
  const { code, retryable } = kindOf(error, status, `${message} ${details ?? ""}`);
  return {
    code,
    message: details === undefined || details === "" ? message : `${message} (${details})`,
    retryable,
    ...(status === undefined ? {} : { status }),
  };
}

function kindOf(error: unknown, status: number | undefined, text: string): Kind {
  const info = errorInfo(error);
  const known = info === undefined || !Object.hasOwn(kinds, info) ? undefined : kinds[info];
  if (known !== undefined) return known;
  if (status !== undefined) {
    const byStatus = kindOfStatus(status, text);
    if (byStatus !== undefined) return byStatus;
  }
  const phrase = phrases.find(([pattern]) => pattern.test(text));
  return phrase?.[1] ?? { code: "agent_error", retryable: false };
}

function kindOfStatus(status: number, text: string): Kind | undefined {
  if (status === 401 || status === 403) return { code: "authentication_failed", retryable: false };
  if (status === 429) return { code: "rate_limited", retryable: true };
  if (status === 503 || status === 529) return { code: "model_overloaded", retryable: true };
  if (status === 404 && /model/i.test(text)) return { code: "model_not_found", retryable: false };
  if (status >= 500) return { code: "model_error", retryable: true };
  return undefined;
}

/** The kind as a word, whether Codex gives it alone or with a status. */
function errorInfo(error: unknown): string | undefined {
  const info = isJsonObject(error) ? error["codexErrorInfo"] : undefined;
  if (typeof info === "string") return info;
  return isJsonObject(info) ? Object.keys(info)[0] : undefined;
}

function statusOf(error: unknown): number | undefined {
  const info = isJsonObject(error) ? error["codexErrorInfo"] : undefined;
  if (isJsonObject(info)) {
    for (const value of Object.values(info)) {
      const status = numberField(value, "httpStatusCode");
      // A stream that broke off had begun well.
      if (status !== undefined && status >= 400) return status;
    }
  }
  const text = `${stringField(error, "message") ?? ""} ${stringField(error, "additionalDetails") ?? ""}`;
  const match = /\bstatus:? (\d{3})\b/.exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** Some errors carry the whole answer of the model's API instead of a sentence. */
function readable(message: string): string {
  if (!message.startsWith("{")) return message;
  try {
    const body: unknown = JSON.parse(message);
    return stringField(isJsonObject(body) ? body["error"] : undefined, "message") ?? message;
  } catch {
    return message;
  }
}

type Retrying = Extract<AgentEventBody, { type: "agent.retrying" }>;

/** `Reconnecting... 2/5`, with the reason elsewhere in the error. */
export function retrying(error: JsonObject, count: number): Retrying {
  const message = stringField(error, "message") ?? "";
  const match = /(\d+)\/(\d+)/.exec(message);
  const cause = turnError({
    ...error,
    message: stringField(error, "additionalDetails") ?? message,
    additionalDetails: undefined,
    codexErrorInfo: undefined,
  });
  return {
    type: "agent.retrying",
    attempt: match === null ? count : Number(match[1]),
    ...(match === null ? {} : { maxAttempts: Number(match[2]) }),
    ...(cause.status === undefined ? {} : { status: cause.status }),
    reason: retryReasonOf(cause),
    message: cause.message,
  };
}

/** Whether Codex says that the thread to resume is not there. */
export function isThreadMissing(message: string): boolean {
  return /no rollout found|invalid session id|thread not found|thread .* not found|no session found/i.test(
    message,
  );
}
