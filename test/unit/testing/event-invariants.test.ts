import { describe, expect, it } from "vitest";
import type { AgentEvent } from "../../../src/spec/events.ts";
import { checkEventInvariants } from "../../../src/testing/event-invariants.ts";

type Loose = { readonly type: string; readonly [member: string]: unknown };

/** A log of these events, numbered as they come; members given win. */
function log(...events: readonly Loose[]): AgentEvent[] {
  return events.map(
    (event, index) => ({ seq: index + 1, at: 5, sessionId: "s", turnId: "t", ...event }) as AgentEvent,
  );
}

const end: Loose = { type: "turn.completed" };
const message = { messageId: "m" };

describe("checkEventInvariants", () => {
  it("finds nothing in a good log", () => {
    const events = log(
      { type: "turn.queued" },
      { type: "turn.started" },
      { type: "message.started", ...message },
      { type: "message.delta", ...message, text: "a" },
      { type: "tool.started", toolCallId: "c" },
      { type: "tool.completed", toolCallId: "c" },
      { type: "message.delta", ...message, text: "b" },
      { type: "message.completed", ...message, text: "ab" },
      { type: "permission.requested", requestId: "r" },
      { type: "permission.resolved", requestId: "r" },
      end,
      { type: "message.started", ...message, turnId: undefined },
      { type: "message.completed", ...message, turnId: undefined, text: "" },
      { type: "session.ended", turnId: undefined },
    );
    expect(checkEventInvariants(events)).toEqual([]);
  });

  it.each<[string, RegExp, readonly Loose[]]>([
    ["a first event that is not the first", /should have seq 1$/, [{ ...end, seq: 2 }]],
    ["a gap", /should have seq 2$/, [{ type: "turn.started" }, { ...end, seq: 3 }]],
    ["time that goes back", /2 ms older/, [{ type: "turn.started" }, { ...end, at: 3 }]],
    ["another session's event", /another session/, [{ type: "turn.started" }, { ...end, sessionId: "x" }]],
    ["no terminal event", /turn t has no terminal event/, [{ type: "turn.started" }]],
    ["two terminal events", /after the turn.completed/, [end, { type: "turn.failed" }]],
    ["an event after the terminal one", /after the turn.completed/, [end, { type: "agent.notice" }]],
    ["a terminal event of no turn", /belongs to no turn/, [{ ...end, turnId: undefined }]],
    ["two starts", /a second time/, [{ type: "turn.started" }, { type: "turn.started" }, end]],
    [
      "an event after the end",
      /after session.ended/,
      [end, { type: "session.ended", turnId: undefined }, { type: "agent.notice", turnId: undefined }],
    ],
    ["an open message", /leaves open in turn t: message m/, [{ type: "message.started", ...message }, end]],
    ["an open tool call", /leaves open in turn t: tool c/, [{ type: "tool.started", toolCallId: "c" }, end]],
    [
      "an open permission",
      /leaves open in turn t: request r/,
      [{ type: "permission.requested", requestId: "r" }, end],
    ],
    [
      "an open background question",
      /leaves open in the session: request r/,
      [
        { type: "question.requested", requestId: "r", turnId: undefined },
        { type: "session.ended", turnId: undefined },
      ],
    ],
    ["a delta of nothing", /no open message m/, [{ type: "message.delta", ...message, text: "a" }, end]],
    [
      "an empty delta",
      /is empty/,
      [
        { type: "reasoning.started", ...message },
        { type: "reasoning.delta", ...message, text: "" },
        { type: "reasoning.completed", ...message, text: "" },
        end,
      ],
    ],
    [
      "an end of nothing",
      /ends no open reasoning m/,
      [{ type: "reasoning.completed", ...message, text: "" }, end],
    ],
    [
      "a message begun again",
      /begins message m a second time/,
      [
        { type: "message.started", ...message },
        { type: "message.completed", ...message, text: "" },
        { type: "message.started", ...message },
        { type: "message.completed", ...message, text: "" },
        end,
      ],
    ],
    [
      "another text",
      /another text/,
      [{ type: "message.started", ...message }, { type: "message.completed", ...message, text: "a" }, end],
    ],
    ["output of no tool", /no open tool call c/, [{ type: "tool.delta", toolCallId: "c" }, end]],
    ["an end of no tool", /ends no open tool call c/, [{ type: "tool.completed", toolCallId: "c" }, end]],
    ["an answer to nothing", /no open request r/, [{ type: "question.resolved", requestId: "r" }, end]],
    [
      "a question asked twice",
      /asks again/,
      [
        { type: "question.requested", requestId: "r" },
        { type: "question.requested", requestId: "r" },
        { type: "question.resolved", requestId: "r" },
        end,
      ],
    ],
  ])("finds %s", (_, violation, events) => {
    const found = checkEventInvariants(log(...events));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(violation);
  });
});
