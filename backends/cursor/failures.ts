import {
  exitedFailure,
  exitFacts,
  lastErrorLine,
  modelFailure,
  type AgentExit,
  type ErrorCode,
  type TurnErrorInfo,
} from "../../src/kit.ts";

/** What the CLI says in words that are its own. */
const phrases: readonly (readonly [ErrorCode, RegExp])[] = [
  ["authentication_failed", /not authenticated|authentication required|agent login|api key is invalid/i],
  ["model_not_found", /cannot use this model/i],
  ["budget_exceeded", /usage limit|spend limit|out of (?:credits|usage)/i],
];

/** The error of a turn, from what the CLI says of it. */
export function turnFailure(said: string): TurnErrorInfo {
  const message = said.replace(/^Error: /, "").trim();
  const code = phrases.find(([, pattern]) => pattern.test(message))?.[0];
  if (code === undefined) return modelFailure(message === "" ? "Cursor failed and gave no reason." : message);
  return { code, message, retryable: false };
}

/** The error of a turn whose process ended without a result, which is how the CLI fails. */
export function exitFailure(exit: AgentExit): TurnErrorInfo {
  const own = { ...exit, stderr: withoutEvents(exit.stderr) };
  const told = turnFailure(lastErrorLine(own.stderr));
  return told.code === "agent_error" ? exitedFailure("Cursor", own) : { ...told, ...exitFacts(own) };
}

/** Whether the chat to resume is not there. */
export function isChatMissing({ stderr }: AgentExit): boolean {
  return /(?:chat|session|conversation)\b.{0,80}(?:not found|does not exist)|no (?:such|previous) (?:chat|session)/i.test(
    withoutEvents(stderr),
  );
}

/** Some versions print their events to standard error too, where the model's words must not be taken for the CLI's. */
function withoutEvents(stderr: string): string {
  return stderr
    .split("\n")
    .filter((line) => !line.trimStart().startsWith("{"))
    .join("\n");
}
