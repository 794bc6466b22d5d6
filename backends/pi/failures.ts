import {
  exitFacts,
  howItEnded,
  lastErrorLine,
  modelFailure,
  type AgentExit,
  type TurnErrorInfo,
} from "../../src/kit.ts";
import { otherFolder, otherSession } from "./bridge.ts";

/** The error of an answer that failed. Pi puts the API's status before its words. */
export function answerFailure(message: string | undefined): TurnErrorInfo {
  const text = message === undefined || message === "" ? "Pi failed without a reason." : message;
  const status =
    /^(?:Error: )?([45]\d\d)\b/.exec(text)?.[1] ?? /\bstatus(?: code)?:? ([45]\d\d)\b/i.exec(text)?.[1];
  return modelFailure(text, status === undefined ? undefined : Number(status));
}

/** The error of a process that ended before it could be prompted, or before it took its prompt. */
export function startFailure(exit: AgentExit): TurnErrorInfo {
  return { code: "session_start_failed", message: startMessage(exit), retryable: false, ...exitFacts(exit) };
}

function startMessage(exit: AgentExit): string {
  const { stderr } = exit;
  const folder = lineBehind(stderr, otherFolder);
  if (folder !== undefined) {
    return `The session belongs to the folder ${folder}, and Pi would work there. Resume it with that "cwd", or fork it into another one.`;
  }
  if (stderr.includes("No API key found") || stderr.includes("No models available")) {
    return `Pi has no key for the model's provider. ${lastErrorLine(stderr)}. Give the option "apiKey", or the provider's variable in "env".`;
  }
  const said = lastErrorLine(stderr);
  if (stderr.includes("Unknown option")) {
    return `Pi does not know an argument: ${said}. Check "extraArgs", and the version of the CLI.`;
  }
  return `Pi ended ${howItEnded(exit)} before it was ready${said === "" ? "" : `: ${said}`}.`;
}

/** Whether the process ended because there is no such session. */
export function isSessionMissing({ stderr }: AgentExit): boolean {
  return stderr.includes("No session found matching") || stderr.includes(otherSession);
}

function lineBehind(text: string, mark: string): string | undefined {
  const start = text.indexOf(mark);
  if (start === -1) return undefined;
  return text.slice(start + mark.length).split("\n", 1)[0];
}
