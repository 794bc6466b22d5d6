import { type Broken, change, program, wrap } from "./flaws.ts";

export const brokenConversations: readonly Broken[] = [
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
];
