import {
  exitFacts,
  isJsonObject,
  lastErrorLine,
  modelFailure,
  numberField,
  parseJson,
  retryReasonOf,
  stringField,
  type AgentEventBody,
  type AgentExit,
  type JsonObject,
  type TurnErrorInfo,
} from "../../../src/kit.ts";

/** The error that a `session.error` tells. `cause` is the request to the model that failed last. */
export function sessionFailure(data: JsonObject, cause: TurnErrorInfo | undefined): TurnErrorInfo {
  const status = numberField(data, "statusCode") ?? undefined;
  const message = (stringField(data, "message") ?? "Copilot failed without a reason.").trim();
  const told = modelFailure(`${message} ${stringField(data, "errorType") ?? ""}`, status);
  // The CLI's own words for some errors leave out the provider's, which say more.
  const known = told.code === "agent_error" && cause !== undefined ? cause : told;
  const more = cause !== undefined && !message.includes(cause.message) ? ` (${cause.message})` : "";
  return { ...known, message: `${message}${more}` };
}

/** The error of one request to the model, from `model.call_failure`. */
export function callFailure(data: JsonObject): TurnErrorInfo {
  const said = stringField(data, "errorMessage") ?? "";
  return modelFailure(readable(said) || "The request to the model failed.", numberField(data, "statusCode"));
}

/** The message is JSON: the provider's error object, or a text in quotes. */
function readable(said: string): string {
  const value = parseJson(said);
  if (typeof value === "string") return value;
  return (isJsonObject(value) ? stringField(value, "message") : undefined) ?? said;
}

/** A request is made again; the CLI tells so when it has waited. */
export function retrying(attempt: number, cause: TurnErrorInfo | undefined): AgentEventBody {
  return {
    type: "agent.retrying",
    attempt,
    reason: cause === undefined ? "other" : retryReasonOf(cause),
    ...(cause?.status === undefined ? {} : { status: cause.status }),
    ...(cause === undefined ? {} : { message: cause.message }),
  };
}

/** Why the CLI ended before it had anything to say, where its standard error tells. */
export function startFailure(exit: AgentExit): TurnErrorInfo | undefined {
  const said = lastErrorLine(exit.stderr);
  if (/require an explicit model/i.test(exit.stderr)) {
    return { code: "model_not_found", message: said, retryable: false, ...exitFacts(exit) };
  }
  if (/authentication|\/login/i.test(exit.stderr)) {
    return { code: "authentication_failed", message: said, retryable: false, ...exitFacts(exit) };
  }
  return undefined;
}

/** An error of the CLI's server in answer to one of the library's requests. */
export function serverFailure(message: string): TurnErrorInfo {
  return modelFailure(message.replace(/^Request \S+ failed with message: /, ""));
}
