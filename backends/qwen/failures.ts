import { modelFailure, type AgentExit, type TurnErrorInfo } from "../../src/kit.ts";

/** The error that Qwen Code tells where an answer of the model would stand: `[API Error: 401 Incorrect API key]`. */
export function failureInText(text: string): TurnErrorInfo | undefined {
  const told = /^\s*\[API Error: ([\s\S]*?)\]?\s*$/.exec(text)?.[1];
  return told === undefined ? undefined : toldFailure(told);
}

/** The error of a message such as `429 Too many requests`: the status is a part of it, where there was one. */
export function toldFailure(message: string): TurnErrorInfo {
  const match = /^(\d{3})\b[ :]*(?:status code \(no body\))?([\s\S]*)$/.exec(message.trim());
  const status = match === null ? undefined : Number(match[1]);
  const isStatus = status !== undefined && status >= 400 && status <= 599;
  const words = isStatus ? (match?.[2] ?? "").trim() : message.trim();
  const said = words === "" ? message.trim() : words;
  // An answer that broke off, or one that never began.
  if (
    /^(?:terminated(?: \(cause: .*\))?|Request was aborted\.?|Premature close|Connection error\.?)$/i.test(
      said,
    )
  ) {
    return { code: "network_error", message: said, retryable: true };
  }
  return isStatus ? modelFailure(said, status) : modelFailure(said);
}

const debugWords = /^(?:Debug mode enabled|Logging to: .*)\n?/gm;

/** All that it prints where it does not know an argument: it is so long that its beginning may be lost. */
const usage = /^[\s\S]*-h, --help +Show help +\[boolean\]\s*/;
const usageTold = "Error: It did not take its arguments, without saying which one.\n";

/** The exit without what Qwen Code says of being told more than it would by itself, and of how it is used. */
export function quietExit(exit: AgentExit): AgentExit {
  return { ...exit, stderr: exit.stderr.replace(debugWords, "").replace(usage, usageTold) };
}

/** Whether words of Qwen Code's say that it has no such session. */
export function isSessionMissing(words: string): boolean {
  return /no saved session found/i.test(words);
}

/** Whether a failure is that the model has answered in words where an object was wanted. */
export function isPlainAnswer(words: string): boolean {
  return words.startsWith("Model produced plain text instead of calling the structured_output tool");
}
