import type { Flaw } from "../reference-agent.ts";
import { type Broken, change, program, wrap } from "./flaws.ts";

function withCode(id: string, code: "agent_error" | "network_error"): Broken {
  return {
    id,
    how: "gives the failure another code",
    flaw: change("turn.failed", (event) => [{ ...event, error: { ...event.error, code } }]),
    seen: /The code of the error/,
  };
}

/** A process that was killed is never replaced. */
function startsOnce(): Flaw {
  let starts = 0;
  return wrap((protocol) => ({
    open: (start) => {
      starts += 1;
      if (starts === 1) return protocol.open(start);
      const startError = { code: "session_start_failed", message: "Once only.", retryable: false } as const;
      return { startError, closeStdin: true };
    },
  }));
}

export const brokenRequests: readonly Broken[] = [
  {
    id: "permission.allowed",
    how: "runs the tool before it asks",
    flaw: program("runs before it asks"),
    seen: /when the permission was asked for/,
  },
  {
    id: "permission.denied",
    how: "runs the tool all the same",
    flaw: program("ignores a denial"),
    seen: /Whether the file is there/,
  },
  {
    id: "permission.every-call",
    how: "does not ask a second time",
    flaw: program("asks once"),
    seen: /tools that were asked for/,
  },
  {
    id: "permission.deny-all",
    how: "writes files where all is denied",
    flaw: program("writes where all is denied"),
    seen: /Whether the file was written/,
  },
  {
    id: "permission.updated-input",
    how: "runs the original input",
    flaw: program("ignores another input"),
    seen: /Whether the changed command ran/,
  },
  {
    id: "permission.interrupted",
    how: "runs what is withdrawn",
    flaw: program("runs what is withdrawn"),
    seen: /Whether the tool ran/,
  },
  {
    id: "question.answered",
    how: "keeps the answer to itself",
    flaw: program("keeps answers to itself"),
    seen: /did not come to the model/,
  },
  {
    id: "question.declined",
    how: "cannot do without an answer",
    flaw: program("wants an answer"),
    seen: /Expected a completed turn/,
  },
  {
    id: "interrupt.text",
    how: "brings pieces of the old text into the next turn",
    flaw: program("leaks the past"),
    seen: /text of the next turn/,
  },
  {
    id: "interrupt.tool",
    how: "takes the interrupted tool for a good one",
    flaw: program("takes an interrupted tool for good"),
    seen: /status of the tool call/,
  },
  {
    id: "interrupt.silence",
    how: "takes the interrupted turn for a complete one",
    flaw: program("completes what is interrupted"),
    seen: /status of the turn/,
  },
  {
    id: "interrupt.memory",
    how: "forgets what was said before the interrupt",
    flaw: program("forgets when interrupted"),
    seen: /Expected the first prompt/,
  },
  {
    id: "interrupt.steering",
    how: "loses the message",
    flaw: program("loses messages"),
    seen: /Expected the answer Steered/,
  },
  withCode("failure.401", "agent_error"),
  withCode("failure.429", "agent_error"),
  withCode("failure.500", "network_error"),
  {
    id: "failure.dropped",
    how: "takes what came for the answer",
    flaw: program("hides a broken connection"),
    seen: /status of the turn/,
  },
  {
    id: "failure.recovers",
    how: "forgets what was said before the failure",
    flaw: program("forgets when it fails"),
    seen: /Expected the past/,
  },
  {
    id: "failure.killed",
    how: "cannot be started a second time",
    flaw: startsOnce(),
    seen: /Once only/,
  },
];
