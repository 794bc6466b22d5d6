import type { AgentEventBody, AgentProtocol, TurnInput } from "playpen/kit";
import type { Flaw } from "./reference-agent.ts";

/** A copy of the reference agent that does one thing wrong, and what the suite must see. */
export interface Broken {
  /** The requirement that it must fail. */
  readonly id: string;
  /** As the rest of a sentence that begins with "it". */
  readonly how: string;
  readonly flaw: Flaw;
  readonly seen: RegExp;
}

type EventType = AgentEventBody["type"];
type EventOf<Type extends EventType> = Extract<AgentEventBody, { readonly type: Type }>;

/** Replaces the events of one type. */
function change<Type extends EventType>(
  type: Type,
  replace: (event: EventOf<Type>) => readonly AgentEventBody[],
): Flaw {
  return { event: (event) => (event.type === type ? replace(event as EventOf<Type>) : [event]) };
}

function wrap(make: (protocol: AgentProtocol) => Partial<AgentProtocol>): Flaw {
  return {
    protocol: (protocol) => ({
      open: (start) => protocol.open(start),
      prompt: (turn) => protocol.prompt(turn),
      push: (line) => protocol.push(line),
      reply: (answer) => protocol.reply(answer),
      interrupt: () => protocol.interrupt(),
      request: (request) => protocol.request?.(request) ?? {},
      tick: () => protocol.tick(),
      end: (exit) => protocol.end(exit),
      ...make(protocol),
    }),
  };
}

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

/** What is asked for again within a turn gets the same answer. */
function answersOnce(): Flaw {
  const seen = new Set<string>();
  return wrap((protocol) => ({
    prompt: (turn: TurnInput) => {
      if (!seen.has(turn.turnId)) {
        seen.add(turn.turnId);
        return protocol.prompt(turn);
      }
      return { events: [{ type: "turn.completed", stopReason: "end_turn", output: { answer: "none" } }] };
    },
  }));
}

function program(flaw: string): Flaw {
  return { flaw };
}

export const brokenAgents: readonly Broken[] = [
  {
    id: "text.complete",
    how: "gives another stop reason",
    flaw: change("turn.completed", (event) => [{ ...event, stopReason: "other" }]),
    seen: /stop reason/,
  },
  {
    id: "text.deltas",
    how: "gives the text at the end of the answer only",
    flaw: program("does not stream"),
    seen: /an event message\.delta/,
  },
  {
    id: "text.several-messages",
    how: "takes all messages for one",
    flaw: {
      event: (event) => ["messageId" in event ? { ...event, messageId: "one" } : event],
    },
    seen: /completed messages|message ids/,
  },
  {
    id: "text.reasoning",
    how: "takes thoughts for words",
    flaw: {
      event: (event) => {
        if (event.type === "reasoning.delta") return [{ ...event, type: "message.delta" }];
        return event.type === "reasoning.completed" ? [{ ...event, type: "message.completed" }] : [event];
      },
    },
    seen: /completed reasoning/,
  },
  {
    id: "prompt.exact",
    how: "lets a shell read the prompt",
    flaw: { prompt: (text) => text.replaceAll("$HOME", "/root") },
    seen: /Expected the model to be asked/,
  },
  {
    id: "prompt.long",
    how: "cuts what an argument cannot hold",
    flaw: { prompt: (text) => text.slice(-128 * 1024) },
    seen: /Expected a prompt of/,
  },
  { id: "turn.memory", how: "forgets", flaw: program("forgets"), seen: /Expected the first prompt/ },
  {
    id: "tool.result",
    how: "keeps the output to itself",
    flaw: change("tool.completed", (event) => [{ ...event, output: "" }]),
    seen: /Expected the output 4711/,
  },
  {
    id: "tool.failure",
    how: "takes every command for a success",
    flaw: change("tool.completed", (event) => [{ ...event, status: "ok" }]),
    seen: /status of the tool call/,
  },
  {
    id: "tool.row",
    how: "gives calls the same id",
    flaw: {
      event: (event) =>
        event.type === "tool.started" || event.type === "tool.completed"
          ? [{ ...event, toolCallId: "one" }]
          : [event],
    },
    seen: /number of tool calls/,
  },
  {
    id: "tool.writes",
    how: "does not tell which file it wrote",
    flaw: change("file.changed", () => []),
    seen: /files that changed/,
  },
  {
    id: "tool.environment",
    how: "works in another folder",
    flaw: program("works elsewhere"),
    seen: /Expected the folder/,
  },
  {
    id: "session.started",
    how: "starts anew each turn",
    flaw: program("starts anew each turn"),
    seen: /events session\.started/,
  },
  {
    id: "session.understood",
    how: "does not know its own CLI's noise",
    flaw: program("prints noise"),
    seen: /Welcome!/,
  },
  {
    id: "session.side-by-side",
    how: "keeps all sessions in one place",
    flaw: program("shares sessions"),
    seen: /other session's prompt|Expected its own prompt/,
  },
  {
    id: "session.resume",
    how: "begins a fresh session instead",
    flaw: program("does not resume"),
    seen: /Expected the first prompt/,
  },
  {
    id: "session.resume-unknown",
    how: "takes any id for a session",
    flaw: program("takes any session"),
    seen: /has the id of the one that is not there/,
  },
  {
    id: "session.fork",
    how: "goes on with the original",
    flaw: wrap((protocol) => ({
      open: ({ resume }) => protocol.open(resume === undefined ? {} : { resume: { ...resume, fork: false } }),
    })),
    seen: /native id of its origin/,
  },
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
  { id: "mcp.tool", how: "offers no MCP tools", flaw: program("has no MCP"), seen: /kind of the tool call/ },
  {
    id: "mcp.permission",
    how: "does not ask for MCP tools",
    flaw: program("does not ask for MCP"),
    seen: /tools that were asked for/,
  },
  {
    id: "output.structured",
    how: "gives no output",
    flaw: {
      event: (event) => (event.type.startsWith("message.") ? [] : [event]),
      ...program("gives no output"),
    },
    seen: /status of the turn/,
  },
  {
    id: "output.repaired",
    how: "gives the same output again",
    flaw: answersOnce(),
    seen: /status of the turn/,
  },
  {
    id: "output.words-again",
    how: "repeats its output in the next turn",
    flaw: program("repeats its output"),
    seen: /a turn that was asked for none/,
  },
  {
    id: "secret.hidden",
    how: "passes the key as an argument",
    flaw: { argv: ({ apiKey }) => [`--key=${apiKey}`] },
    seen: /the key in an argument/,
  },
  {
    id: "secret.hidden",
    how: "does not say which variable is secret",
    flaw: { secret: [] },
    seen: /The key is shown/,
  },
  {
    id: "usage.turn",
    how: "counts the turns before",
    flaw: program("counts the whole session"),
    seen: /tokens of the turns/,
  },
  {
    id: "usage.several-requests",
    how: "counts the last request only",
    flaw: program("counts the last request"),
    seen: /tokens of the turn/,
  },
  {
    id: "usage.resume",
    how: "counts the session's past",
    flaw: program("counts the whole session"),
    seen: /tokens of the turn/,
  },
  {
    id: "cost.turn",
    how: "adds the costs of the turns before",
    flaw: program("adds up costs"),
    seen: /Expected the same cost/,
  },
  { id: "image.shown", how: "drops images", flaw: program("is blind"), seen: /Expected an image/ },
  {
    id: "system-prompt.append",
    how: "does not take instructions",
    flaw: program("keeps its instructions"),
    seen: /Expected the added instruction/,
  },
  {
    id: "system-prompt.replace",
    how: "does not take instructions",
    flaw: program("keeps its instructions"),
    seen: /Expected the instruction/,
  },
  { id: "model.set", how: "keeps its model", flaw: program("keeps its model"), seen: /Expected a request/ },
  { id: "model.list", how: "knows no models", flaw: program("knows no models"), seen: /list is empty/ },
  {
    id: "thinking.levels",
    how: "fails at one of its levels",
    flaw: program("fails when it thinks hard"),
    seen: /Too hard/,
  },
  {
    id: "mode.each",
    how: "does not start in one of its modes",
    flaw: program("fails in a mode"),
    seen: /No such mode/,
  },
  {
    id: "tools.allowed",
    how: "uses other tools too",
    flaw: program("has more tools"),
    seen: /A tool that is not allowed ran/,
  },
  {
    id: "skills.offered",
    how: "does not offer skills",
    flaw: program("has no skills"),
    seen: /Expected the skill's description/,
  },
];
