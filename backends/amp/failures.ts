import {
  exitedFailure,
  exitFacts,
  lastErrorLine,
  modelFailure,
  type AgentExit,
  type ErrorCode,
  type TurnErrorInfo,
} from "../../src/kit.ts";

/** What the CLI says of its vendor's service, in words that are its own. */
const phrases: readonly (readonly [ErrorCode, RegExp])[] = [
  ["authentication_failed", /missing api key|no api key|amp login|log in/i],
  ["network_error", /couldn't connect|cannot reach|offline|connection was closed/i],
  ["budget_exceeded", /out of credits|insufficient (?:credit|balance)/i],
];

/** The error of a turn, from what the CLI says of it. */
export function turnFailure(said: string): TurnErrorInfo {
  const message = said.replace(/^Error: /, "").trim();
  const code = phrases.find(([, pattern]) => pattern.test(message))?.[0];
  if (code === undefined) return modelFailure(message === "" ? "Amp failed and gave no reason." : message);
  return { code, message, retryable: code === "network_error" };
}

/** The error of a turn whose process ended without a result. */
export function exitFailure(exit: AgentExit): TurnErrorInfo {
  const told = turnFailure(lastErrorLine(exit.stderr));
  // What is not recognized is the death of a process, with its standard error as the only witness.
  return told.code === "agent_error" ? exitedFailure("Amp", exit) : { ...told, ...exitFacts(exit) };
}

/** Whether the thread to continue is not there. */
export function isThreadMissing({ stderr }: AgentExit): boolean {
  return /thread\b.{0,80}(?:not found|does not exist|unknown|invalid)|(?:no such|unknown|invalid) thread/i.test(
    stderr,
  );
}
