import {
  exitedFailure,
  exitFacts,
  lastErrorLine,
  modelFailure,
  type AgentExit,
  type ErrorCode,
  type TurnErrorInfo,
} from "../../src/kit.ts";

/** What the CLI says in words that are its own, and of which only the first that is found counts. */
const phrases: readonly (readonly [ErrorCode, RegExp])[] = [
  [
    "authentication_failed",
    /missing api key|no api key|amp login|\blog in\b|(?:token|session) expired|not authorized/i,
  ],
  ["budget_exceeded", /out[ -]of[ -]credits|low credit balance|insufficient (?:credit|balance)/i],
  ["model_overloaded", /model provider overloaded/i],
  ["model_error", /amp server returned an error|model stream timed out/i],
  ["network_error", /couldn't connect|cannot reach|\boffline\b|connection was closed/i],
];

const retryable: readonly ErrorCode[] = ["model_overloaded", "model_error", "network_error"];

/** The error of a turn, from what the CLI says of it. */
export function turnFailure(said: string): TurnErrorInfo {
  const message = said.replace(/^Error: /, "").trim();
  const code = phrases.find(([, pattern]) => pattern.test(message))?.[0];
  if (code === undefined) return modelFailure(message === "" ? "Amp failed and gave no reason." : message);
  return { code, message, retryable: retryable.includes(code) };
}

/** The error of a turn whose process ended without a result. */
export function exitFailure(exit: AgentExit): TurnErrorInfo {
  const told = turnFailure(lastErrorLine(exit.stderr));
  // What is not recognized is the death of a process, with its standard error as the only witness.
  return told.code === "agent_error" ? exitedFailure("Amp", exit) : { ...told, ...exitFacts(exit) };
}

/** Whether the thread to continue is not there. The CLI names it by its address. */
export function isThreadMissing({ stderr }: AgentExit): boolean {
  return /\bthread (?:\S+ )?(?:does not exist|not found)|invalid thread/i.test(stderr);
}
