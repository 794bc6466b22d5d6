import { describe, expect, it } from "vitest";
import { Agent, eventsOf, working } from "./agent.ts";

describe("an update", () => {
  it("of the plan is told whole", () => {
    const step = working().update({
      sessionUpdate: "plan",
      entries: [
        { content: "a", status: "completed", priority: "high" },
        { content: "b", status: "in_progress", priority: "urgent" },
        { content: "c", status: "someday" },
        { status: "pending" },
        "nonsense",
      ],
    });
    expect(step.events).toEqual([
      {
        type: "plan.updated",
        entries: [
          { content: "a", status: "completed", priority: "high" },
          { content: "b", status: "in_progress" },
          { content: "c", status: "pending" },
        ],
      },
    ]);
  });

  it.each([
    [{ sessionUpdate: "available_commands_update", availableCommands: [{ name: "init" }] }],
    [{ sessionUpdate: "user_message_chunk", content: { type: "text", text: "hi" } }],
    [{ sessionUpdate: "agent_message_chunk", content: { type: "text", text: "" } }],
    [{ sessionUpdate: "session_info_update", updatedAt: "now" }],
    [{ sessionUpdate: "compaction_update", status: "in_progress" }],
  ])("%j says nothing to the host", (update) => {
    expect(working().update(update).events).toBeUndefined();
  });

  it.each([
    [
      { sessionUpdate: "session_info_update", title: "Fix it" },
      { type: "session.updated", title: "Fix it" },
    ],
    [
      { sessionUpdate: "compaction_update", status: "completed" },
      { type: "context.compacted", trigger: "unknown" },
    ],
    [
      { sessionUpdate: "notice", severity: "warning", title: "Slow", description: "It is." },
      { type: "agent.notice", level: "warning", message: "Slow: It is." },
    ],
    [
      { sessionUpdate: "notice", severity: "odd", title: "Hm" },
      { type: "agent.notice", level: "info", message: "Hm" },
    ],
  ])("%j is told as %j", (update, event) => {
    expect(working().update(update).events).toEqual([event]);
  });

  it("of a kind that nobody knows is kept", () => {
    const step = working().update({ sessionUpdate: "weather", rain: true });
    expect(step.events).toEqual([{ type: "agent.unknown", raw: step.raw }]);
    const image = { sessionUpdate: "agent_message_chunk", content: { type: "image", data: "AQID" } };
    expect(working().update(image).events).toMatchObject([{ type: "agent.unknown" }]);
  });

  it("in an agent's own way is read by the profile", () => {
    const agent = working({
      profile: {
        readUpdate: (update) =>
          update["sessionUpdate"] === "odd" ? { sessionUpdate: "session_info_update", title: "x" } : update,
      },
    });
    expect(agent.update({ sessionUpdate: "odd" }).events).toEqual([{ type: "session.updated", title: "x" }]);
    expect(eventsOf(agent.say("a"), "message.delta")).toHaveLength(1);
  });
});

describe("a notification", () => {
  it("that is none of the protocol's is the profile's", () => {
    const agent = working({
      profile: {
        extension: (method) =>
          method === "_some/retry"
            ? [{ type: "agent.retrying", attempt: 1, reason: "rate_limit" }]
            : method === "_some/noise"
              ? []
              : undefined,
      },
    });
    expect(agent.line({ method: "_some/retry" }).events).toMatchObject([{ type: "agent.retrying" }]);
    expect(agent.line({ method: "_some/noise" }).events).toBeUndefined();
    expect(agent.line({ method: "_some/other" }).events).toMatchObject([{ type: "agent.unknown" }]);
  });

  it("between turns belongs to none", () => {
    const agent = new Agent();
    agent.start();
    expect(agent.say("Psst.").background).toBe(true);
    agent.prompt();
    expect(agent.say("Hi.").background).toBeUndefined();
    expect(agent.end().background).toBeUndefined();
    expect(agent.say("Late.").background).toBe(true);
  });
});

describe("a line", () => {
  it.each([["not json"], ["42"], ['"text"'], ["[]"], ["{}"], ['{"id":1}']])("%s is unparsed", (line) => {
    expect(working().protocol.push(line).events).toEqual([
      { type: "agent.unparsed", line, bytes: line.length, truncated: false },
    ]);
  });

  it("that answers nothing is unknown", () => {
    expect(working().line({ id: 99, result: {} }).events).toMatchObject([{ type: "agent.unknown" }]);
  });

  it("of any length is told in part", () => {
    const [event] = eventsOf(working().protocol.push("ä".repeat(5000)), "agent.unparsed");
    expect(event).toMatchObject({ bytes: 10_000, truncated: true });
    expect(event?.line).toHaveLength(2048);
  });
});
