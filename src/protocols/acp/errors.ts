import { modelFailure } from "../../kit/agent-failures.ts";
import { isJsonObject, numberField, parseJson, stringField } from "../../kit/json.ts";
import type { TurnErrorInfo } from "../../spec/events.ts";
import type { JsonRpcError } from "../json-rpc.ts";
import type { AuthMethod } from "./agent-facts.ts";
import type { AcpProfile } from "./profile.ts";

const authRequired = -32000;
const resourceNotFound = -32002;

export function asksForAuthentication(error: JsonRpcError): boolean {
  // The code alone is not enough: it stands for any error of a server's own.
  return error.code === authRequired && /auth|log ?in|sign ?in|credential|api key/i.test(error.message);
}

export function isSessionMissing(error: JsonRpcError): boolean {
  return (
    error.code === resourceNotFound ||
    /(?:session|conversation|thread|rollout)\b.*(?:not found|does not exist|unknown|missing)|no rollout found|(?:no|unknown|invalid|find) (?:such |previous |rollout |conversation |a |the )*(?:session|conversation)/i.test(
      errorMessage(error),
    )
  );
}

/** The error of a turn from the answer to its request. */
export function requestFailure(error: JsonRpcError, profile: AcpProfile): TurnErrorInfo {
  const own = profile.failureOf?.(error);
  if (own !== undefined) return own;
  const message = errorMessage(error);
  if (asksForAuthentication(error)) return { code: "authentication_failed", message, retryable: false };
  return modelFailure(message, statusOf(error));
}

/** The message with what the error's data add to it: a bare "Internal error" says nothing. */
export function errorMessage({ message, data }: JsonRpcError): string {
  const details = detailsOf(data);
  const readable = readableMessage(message.replace(/^internal error: (?=.)/i, ""));
  if (details === undefined || readable.includes(details)) return readable;
  return /^(?:internal error|server error|error|invalid params|invalid request)\.?$/i.test(readable.trim())
    ? details
    : `${readable} (${details})`;
}

function detailsOf(data: unknown): string | undefined {
  if (typeof data === "string" && data !== "") return readableMessage(data);
  if (!isJsonObject(data)) return undefined;
  for (const name of ["details", "message", "error", "errorMessage", "reason"]) {
    const member = data[name];
    if (typeof member === "string" && member !== "") return readableMessage(member);
    const inner = stringField(member, "message");
    if (inner !== undefined && inner !== "") return inner;
  }
  return undefined;
}

/** Some messages are the whole body that the model's API answered. */
function readableMessage(text: string): string {
  const start = text.indexOf("{");
  if (start < 0 || start > 64) return text;
  const body = parseJson(text.slice(start));
  if (!isJsonObject(body)) return text;
  return stringField(body["error"], "message") ?? stringField(body, "message") ?? text;
}

/** What is told in words alone, `modelFailure()` finds. */
function statusOf(error: JsonRpcError): number | undefined {
  // Some agents put the status of the model's API where the code of the error belongs.
  return isStatus(error.code) ? error.code : statusInData(error.data);
}

function statusInData(data: unknown): number | undefined {
  for (const source of [data, isJsonObject(data) ? data["error"] : undefined]) {
    for (const name of ["status", "statusCode", "httpStatus", "http_status", "httpStatusCode", "code"]) {
      const value = numberField(source, name);
      if (value !== undefined && isStatus(value)) return value;
    }
  }
  return undefined;
}

function isStatus(value: number): boolean {
  return Number.isInteger(value) && value >= 400 && value <= 599;
}

/** A message that is nothing but an API error, as some agents tell it. */
export function failureInText(text: string): TurnErrorInfo | undefined {
  const told = text.trim();
  if (!/^\[?API Error\b/i.test(told)) return undefined;
  return modelFailure(told.replace(/^\[(.*)\]$/s, "$1"));
}

/** The error of an agent that wants authentication which the library cannot give it. */
export function authFailure(
  profile: AcpProfile,
  said: string,
  offered: readonly AuthMethod[],
  tried: readonly string[],
): TurnErrorInfo {
  const methods = offered.map(
    ({ id, name, description }) =>
      `"${id}" (${name}${description === undefined ? "" : `: ${description.replace(/\.$/, "")}`})`,
  );
  const sentences = [
    `${profile.product} wants authentication: ${said.trim().replace(/\.$/, "")}.`,
    ...(tried.length === 0 ? [] : [`Tried without success: ${tried.join(", ")}.`]),
    ...(methods.length === 0 ? [] : [`It offers ${methods.join(", ")}.`]),
    profile.authRemedy ??
      "Give the credential that one of these needs, in the environment or a file of the sandbox.",
  ];
  return { code: "authentication_failed", message: sentences.join(" "), retryable: false };
}
