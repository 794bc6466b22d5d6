import type { JsonObject } from "../../../spec/json.ts";

const errorCodes: Readonly<Record<number, string>> = {
  401: "invalid_api_key",
  429: "rate_limit_exceeded",
  500: "server_error",
  503: "server_is_overloaded",
};

/** What both of OpenAI's APIs say of an error. */
export function openaiError(status: number, message: string): JsonObject {
  const code = errorCodes[status] ?? (status < 500 ? "invalid_request" : "server_error");
  return { message, type: status < 500 ? "invalid_request_error" : "server_error", code, param: null };
}
