import {
  modelFailure,
  numberField,
  objectField,
  parseJson,
  stringField,
  type AgentExit,
  type TurnErrorInfo,
} from "../../src/kit.ts";
import { bridgeRequestPrefix } from "./bridge/plugin.ts";

/** The error that OpenCode names, in its own form `{ name, data: { message, statusCode } }`; nothing for an interruption. */
export function namedFailure(error: unknown): TurnErrorInfo | undefined {
  const name = stringField(error, "name") ?? "UnknownError";
  const data = objectField(error, "data");
  const told = stringField(data, "message") ?? stringField(error, "message") ?? `OpenCode failed: ${name}.`;
  // An error within the model's answer is told as the API has written it.
  const body = parseJson(told);
  const message = stringField(body, "message") ?? told;
  switch (name) {
    case "MessageAbortedError":
      return undefined;
    case "ProviderAuthError":
    case "LoadAPIKeyError":
      return { code: "authentication_failed", message, retryable: false };
    case "ContextOverflowError":
      return { code: "context_too_long", message, retryable: false };
    case "ProviderModelNotFoundError":
    case "ModelNotFoundError":
      return { code: "model_not_found", message, retryable: false };
    default:
      return {
        ...modelFailure(`${message} ${stringField(body, "type") ?? ""}`, numberField(data, "statusCode")),
        message,
      };
  }
}

/** The error of a session that is to go on in another folder than the one it works in. */
export function otherFolder(folder: string): TurnErrorInfo {
  const message = `The session belongs to the folder ${folder}, and OpenCode would work there. Resume or fork it with that "cwd".`;
  return { code: "session_start_failed", message, retryable: false };
}

/** Whether words of OpenCode's say that it has no such session. By its protocol it says no more than the last ones. */
export function isSessionMissing(words: string): boolean {
  return /session not found|OpenCode service failure/i.test(words);
}

/** Its errors are in colour, also where nobody sees it. */
const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

/** What it prints of requests it has refused, which the answers to them told better. */
const refusedRequests = /^Error handling request \{$[\s\S]*?^\}(?: \{$[\s\S]*?^\})?\n?/gm;

/** All that it prints where it does not know an argument. */
const usage = /^opencode \w+\n[\s\S]*^Options:$[\s\S]*/m;
const usageTold = "Error: It did not take its arguments, without saying which one.";

/** The exit without what OpenCode says of the answers that its plugin got: it knows nothing of the plugin's questions. */
export function quietExit(exit: AgentExit): AgentExit {
  const noise = `Got response to unknown request ${bridgeRequestPrefix}`;
  const text = exit.stderr.replace(colours, "").replace(refusedRequests, "").replace(usage, usageTold);
  const lines = text.split("\n").filter((line) => !line.startsWith(noise));
  return { ...exit, stderr: lines.join("\n").trim() };
}
