import type { AgentEventBody, Step } from "playpen/kit";
import type { Transcript } from "playpen/testing";
import type { Change } from "./small-recording.ts";

/** A backend that does one thing wrong, or a recording that is wrong, and what the check must see. */
export interface BrokenProtocol {
  readonly id: string;
  /** As the rest of a sentence that begins with "it". */
  readonly how: string;
  readonly change?: Change;
  readonly transcript?: (transcript: Transcript) => Transcript;
  readonly seen: RegExp;
}

type Replace = (event: AgentEventBody) => readonly AgentEventBody[];

function events(replace: Replace): Change {
  const changed = (step: Step): Step => ({ ...step, events: (step.events ?? []).flatMap(replace) });
  return (protocol) => ({
    push: (line) => changed(protocol.push(line)),
    end: (exit) => changed(protocol.end(exit)),
  });
}

/** Counts over all protocols of the backend, which each should do for itself. */
function countsForAll(): Change {
  let count = 0;
  return events((event) => {
    if (event.type !== "message.delta") return [event];
    count += 1;
    return [{ ...event, messageId: String(count) }];
  });
}

const notice: AgentEventBody = { type: "agent.notice", level: "info", message: "The same object again." };

export const brokenProtocols: readonly BrokenProtocol[] = [
  {
    id: "transcript.same-steps",
    how: "makes something else of a line",
    change: events((event) => (event.type === "tool.started" ? [{ ...event, kind: "read" }] : [event])),
    seen: /recorded .*execute.*\nnow .*read/,
  },
  {
    id: "transcript.version",
    how: "was recorded with another version",
    transcript: (transcript) => ({
      ...transcript,
      head: { ...transcript.head, cli: { ...transcript.head.cli, version: "0.9.0" } },
    }),
    seen: /The CLI of the recording/,
  },
  {
    id: "transcript.one-end",
    how: "ends a turn twice",
    change: events((event) => (event.type === "turn.completed" ? [event, { ...event }] : [event])),
    seen: /2 turns have ended, of 1/,
  },
  {
    id: "transcript.understood",
    how: "does not know what its CLI says",
    change: events((event) =>
      event.type === "tool.started" ? [{ type: "agent.unknown", raw: event }] : [event],
    ),
    seen: /not understood/,
  },
  {
    id: "transcript.deltas",
    how: "loses a piece of a text",
    change: events((event) => (event.type === "message.delta" && event.text === "I " ? [] : [event])),
    seen: /The completed message one/,
  },
  {
    id: "transcript.tool-ends",
    how: "leaves a tool call open",
    change: events((event) => (event.type === "tool.completed" ? [] : [event])),
    seen: /left open/,
  },
  {
    id: "transcript.requests",
    how: "resolves what nobody has asked for",
    change: events((event) =>
      event.type === "tool.started"
        ? [event, { type: "permission.resolved", requestId: "one", outcome: "allowed", by: "agent" }]
        : [event],
    ),
    seen: /No open request one/,
  },
  {
    id: "transcript.arguments",
    how: "passes the prompt as an argument",
    transcript: (transcript) => ({
      ...transcript,
      entries: transcript.entries.map(({ call, step }) => ({
        step,
        call: call.call === "open" ? { ...call, argv: ["-p", "Look around, and say what you see."] } : call,
      })),
    }),
    seen: /stands in an argument/,
  },
  {
    id: "transcript.deterministic",
    how: "counts over all its sessions",
    change: countsForAll(),
    seen: /in the second session/,
  },
  {
    id: "transcript.events-given-away",
    how: "hands out the same object again",
    change: events((event) => (event.type === "message.delta" ? [event, notice] : [event])),
    seen: /handed out twice/,
  },
  {
    id: "transcript.any-death",
    how: "leaves a turn open when the CLI dies",
    change: () => ({ end: () => ({}) }),
    seen: /1 turns were prompted, and 0 have ended.*killed before call/,
  },
  {
    id: "transcript.any-loss",
    how: "waits for a line that is lost",
    change: (protocol) => {
      let isBegun = false;
      return {
        push: (line) => {
          isBegun ||= line.includes("session.started");
          if (!isBegun && line.includes("turn.completed")) throw new Error("It has not begun.");
          return protocol.push(line);
        },
      };
    },
    seen: /It has not begun.*without the line/,
  },
  {
    id: "transcript.any-cut",
    how: "throws on half a line",
    change: (protocol) => ({
      push: (line) => {
        JSON.parse(line);
        return protocol.push(line);
      },
    }),
    seen: /JSON.*cut to/,
  },
  {
    id: "transcript.any-line",
    how: "relies on a member",
    change: (protocol) => ({
      push: (line) => {
        if (line.startsWith('{"type":null')) throw new TypeError("There is no type.");
        return protocol.push(line);
      },
    }),
    seen: /There is no type.*with strange lines/,
  },
  {
    id: "transcript.unparsed",
    how: "drops what is no message",
    change: events((event) => (event.type === "agent.unparsed" ? [] : [event])),
    seen: /The events of the line/,
  },
  {
    id: "transcript.unparsed",
    how: "counts characters for bytes",
    change: events((event) =>
      event.type === "agent.unparsed" ? [{ ...event, bytes: event.line.length }] : [event],
    ),
    seen: /bytes of agent\.unparsed/,
  },
  {
    id: "transcript.unknown",
    how: "drops what it does not know",
    change: events((event) => (event.type === "agent.unknown" ? [] : [event])),
    seen: /Expected agent\.unknown/,
  },
  {
    id: "transcript.session",
    how: "makes another session each time",
    change: countsForAll(),
    seen: /Event \d+ of the output in pieces/,
  },
];
