import { describe, expect, it } from "vitest";
import type { HostAnswer, JsonObject } from "../../../../src/kit.ts";
import { Agent, eventsOf, selected, sent, usualOptions, working } from "./agent.ts";

const option = (optionId: string, kind: string): JsonObject => ({ optionId, name: optionId, kind });
const allow: HostAnswer = { type: "permission", requestId: "1.1", outcome: "allow" };
const deny: HostAnswer = { type: "permission", requestId: "1.1", outcome: "deny", message: "No." };
const chose = (optionId: string) => ({ outcome: { outcome: "selected", optionId } });
const cancelled = { outcome: { outcome: "cancelled" } };

describe("options of a permission", () => {
  it("are known by their kind: neither id, name nor order says what they do", () => {
    const asked = () => {
      const agent = working();
      agent.ask({ toolCallId: "c" }, usualOptions);
      return agent.protocol;
    };
    expect(selected(asked().reply(allow))).toEqual(chose("reject"));
    expect(selected(asked().reply({ ...allow, remember: true }))).toEqual(chose("always-yes"));
    expect(selected(asked().reply(deny))).toEqual(chose("7"));
  });

  it("that allow for good are never taken for one that allows once", () => {
    const agent = working();
    const step = agent.ask({ toolCallId: "c" }, [option("a", "allow_always"), option("r", "reject_once")]);
    expect(eventsOf(step, "permission.requested")[0]?.canRemember).toBe(true);
    const answered = agent.protocol.reply(allow);
    expect(selected(answered)).toEqual(chose("r"));
    expect(answered.events).toMatchObject([
      { type: "agent.notice", level: "warning" },
      { type: "tool.completed", status: "denied" },
    ]);
  });

  it("that remember are not there to be chosen when the agent has none", () => {
    const agent = working();
    const step = agent.ask({ toolCallId: "c" }, [option("a", "allow_once"), option("r", "reject_once")]);
    expect(eventsOf(step, "permission.requested")[0]?.canRemember).toBe(false);
    expect(selected(agent.protocol.reply({ ...allow, remember: true }))).toEqual(chose("a"));
  });

  it.each([
    [[option("r", "reject_always"), option("a", "allow_once")], chose("r")],
    [[option("a", "allow_once")], cancelled],
    [[], cancelled],
    [[{ name: "no id", kind: "reject_once" }], cancelled],
  ])("%j deny by %j", (options, expected) => {
    const agent = working();
    agent.ask({ toolCallId: "c" }, options);
    expect(selected(agent.protocol.reply(deny))).toEqual(expected);
  });

  it("that are no options allow nothing", () => {
    const agent = working();
    agent.ask({ toolCallId: "c" }, []);
    expect(selected(agent.protocol.reply(allow))).toEqual(cancelled);
  });
});

describe("a permission", () => {
  it("is asked of the host, and answered once", () => {
    const agent = working();
    expect(sent(agent.ask({ toolCallId: "c" }, usualOptions, 4))).toEqual([]);
    expect(sent(agent.protocol.reply(allow))).toMatchObject([{ id: 4 }]);
    expect(agent.protocol.reply(allow)).toEqual({});
    expect(agent.protocol.reply({ type: "question", requestId: "1.1" })).toEqual({});
  });

  it("has an id of its own in every process", () => {
    const agent = working();
    agent.ask({ toolCallId: "c" });
    agent.protocol.end({ code: 1, signal: null, stderr: "" });
    agent.start();
    agent.prompt();
    expect(eventsOf(agent.ask({ toolCallId: "c" }), "permission.requested")[0]?.requestId).toBe("2.2");
    // The old one waits for nobody.
    expect(agent.protocol.reply(allow)).toEqual({});
  });

  it("is given without the host where every call is allowed", () => {
    const agent = working({ input: { permissions: "allow-all" } });
    const step = agent.ask({ toolCallId: "c", kind: "execute" });
    expect(selected(step)).toEqual(chose("reject"));
    expect((step.events ?? []).map(({ type }) => type)).toEqual(["tool.started"]);
    const always = agent.ask({ toolCallId: "d" }, [option("a", "allow_always")]);
    expect(selected(always)).toEqual(chose("a"));
  });

  it("is refused without the host where every call is denied", () => {
    const agent = working({ input: { permissions: "deny-all" } });
    const step = agent.ask({ toolCallId: "c", kind: "execute" });
    expect(selected(step)).toEqual(chose("7"));
    expect(step.events).toMatchObject([
      { type: "tool.started", toolCallId: "c" },
      { type: "tool.completed", toolCallId: "c", status: "denied" },
    ]);
  });

  it("of no turn is not given", () => {
    const agent = new Agent();
    agent.start();
    const step = agent.ask({ toolCallId: "c" });
    expect(selected(step)).toEqual(cancelled);
    expect(step.events).toBeUndefined();
  });

  it("that the agent forgets when the turn ends is answered all the same", () => {
    const agent = working();
    agent.ask({ toolCallId: "c" }, usualOptions, 9);
    expect(sent(agent.end())).toMatchObject([{ id: 9, result: cancelled }]);
  });
});

describe("a call that nobody was asked for", () => {
  const profile = { stopsUngatedCalls: true };
  const stop = { method: "session/cancel" };

  it("stops the turn where the profile says so", () => {
    for (const permissions of ["ask", "deny-all"] as const) {
      const agent = working({ profile, input: { permissions } });
      agent.tool("c", { kind: "read", status: "in_progress" });
      expect(sent(agent.toolUpdate("c", { status: "completed" }))).toMatchObject([stop]);
      expect(sent(agent.toolUpdate("d", { status: "completed" }))).toEqual([]);
      const [end] = eventsOf(agent.end({ stopReason: "cancelled" }), "turn.failed");
      expect(end?.error.message).toContain("a call of read although nobody was asked");
      agent.prompt();
      expect(eventsOf(agent.end(), "turn.completed")).toHaveLength(1);
    }
  });

  it("stays the reason when the agent fails or dies of it", () => {
    const failing = working({ profile });
    failing.toolUpdate("c", { status: "completed" });
    const [failed] = eventsOf(failing.fail({ code: -32603, message: "Aborted" }), "turn.failed");
    expect(failed?.error.message).toContain("nobody was asked");
    const dying = working({ profile });
    dying.toolUpdate("c", { status: "completed" });
    const [died] = eventsOf(dying.protocol.end({ code: 1, signal: null, stderr: "" }), "turn.failed");
    expect(died?.error.message).toContain("nobody was asked");
  });

  it("stops nothing where it was asked for, failed, or may be made", () => {
    const asked = working({ profile });
    asked.ask({ toolCallId: "c" });
    asked.protocol.reply(allow);
    expect(sent(asked.toolUpdate("c", { status: "completed" }))).toEqual([]);
    expect(sent(asked.toolUpdate("d", { status: "failed" }))).toEqual([]);
    expect(eventsOf(asked.end(), "turn.completed")).toHaveLength(1);
    const free = working({ profile, input: { permissions: "allow-all" } });
    expect(sent(free.toolUpdate("c", { status: "completed" }))).toEqual([]);
    expect(sent(working().toolUpdate("c", { status: "completed" }))).toEqual([]);
  });
});

describe("requests of the agent", () => {
  it.each([
    ["fs/read_text_file", { path: "/etc/passwd" }],
    ["fs/write_text_file", { path: "/a", content: "x" }],
    ["terminal/create", { command: "sh" }],
    ["terminal/wait_for_exit", { terminalId: "1" }],
  ])("for %s are refused, though it was told that there is none", (method, params) => {
    const step = working().line({ id: 3, method, params: { sessionId: "native", ...params } });
    expect(sent(step)).toEqual([
      {
        jsonrpc: "2.0",
        id: 3,
        error: { code: -32601, message: `playpen does not offer ${method}.` },
      },
    ]);
    expect(step.events).toBeUndefined();
  });

  it("that nobody knows are refused, and told", () => {
    const step = working().line({ id: "x", method: "elicitation/create", params: {} });
    expect(sent(step)).toMatchObject([{ id: "x", error: { code: -32601 } }]);
    expect(step.events).toMatchObject([{ type: "agent.unknown" }]);
  });

  it("are answered outside of turns too", () => {
    const agent = new Agent();
    agent.start();
    expect(sent(agent.line({ id: 1, method: "fs/read_text_file", params: {} }))).toHaveLength(1);
  });
});
