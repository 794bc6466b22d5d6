import { describe, expect, it } from "vitest";
import type { AgentEventBody } from "../../../../src/kit.ts";
import { eventsOf, isTerminal, replay, transcript } from "./replay.ts";

/** What the recordings of sessions with wishes of their own must come to. */
function terminal(name: string): AgentEventBody | undefined {
  return replay(name).events.find(isTerminal);
}

function tools(name: string): readonly { readonly status: string; readonly output: string }[] {
  return eventsOf(replay(name).events, "tool.completed");
}

describe("a session that is confined to some tools", () => {
  it("refuses others, and those of sub-agents, and names what is no tool", () => {
    expect(tools("allowed-tools").map(({ status }) => status)).toEqual([
      "ok",
      "denied",
      "denied",
      "denied",
      "ok",
    ]);
    expect(JSON.stringify(tools("allowed-tools"))).not.toMatch(/echo: (?:hi|inside)/);
    const [started] = eventsOf(replay("allowed-tools").events, "session.started");
    expect(started!.tools).not.toContain("Read");
    const notices = eventsOf(replay("allowed-tools").events, "agent.notice");
    expect(notices.map(({ message }) => message)).toEqual([
      "Claude Code has no tool Nonsense that could be allowed.",
    ]);
  });
});

describe("a structured output", () => {
  it("is the turn's, and no tool call", () => {
    const { events } = replay("structured-output");
    expect(terminal("structured-output")).toMatchObject({
      type: "turn.completed",
      stopReason: "end_turn",
      output: { number: 1 },
      text: '{"number":1}',
    });
    expect(eventsOf(events, "tool.started")).toEqual([]);
    expect(eventsOf(events, "agent.notice")).toMatchObject([
      { level: "info", message: expect.stringContaining("/number: must be integer") as string },
    ]);
  });

  it("that the CLI gives up on fails the turn, with what is wrong", () => {
    expect(terminal("structured-output-refused")).toMatchObject({
      type: "turn.failed",
      error: {
        code: "output_invalid",
        retryable: false,
        issues: [{ path: "number", message: "must be integer" }],
      },
    });
  });

  it("can be given where no tool may be used", () => {
    expect(tools("structured-output-denied")).toMatchObject([{ status: "denied" }]);
    expect(terminal("structured-output-denied")).toMatchObject({ output: { number: 1 } });
  });

  it("is asked for in words where the CLI does not take the schema", () => {
    const prompts = replay("structured-output-words").steps.flatMap(({ write = [] }) => write);
    expect(prompts.some((line) => line.includes("JSON Schema"))).toBe(true);
    expect(terminal("structured-output-words")).toMatchObject({ text: "[1, 2]" });
  });
});

describe("what the session asks for and does not get", () => {
  it("is told", () => {
    const notices = (name: string): readonly string[] =>
      eventsOf(replay(name).events, "agent.notice").map(({ message }) => message);
    expect(notices("skills")).toEqual([
      "Claude Code does not offer the skill mute: has its SKILL.md a description?",
    ]);
    expect(notices("effort-unknown")).toEqual([expect.stringContaining("no levels of thinking")]);
    expect(notices("effort")).toEqual([]);
  });

  it("is told of MCP servers with the reason, also of those that fail later", () => {
    const updates = eventsOf(replay("mcp-failed").events, "session.updated");
    expect(updates.at(-1)?.mcpServers).toEqual([
      { name: "missing", status: "failed", message: expect.stringContaining("no such file") as string },
      { name: "late", status: "failed", message: expect.any(String) as string },
    ]);
  });
});

describe("modes of work", () => {
  it("end when the plan is approved", () => {
    expect(eventsOf(replay("plan-approved").events, "session.updated")).toMatchObject([{ mode: "default" }]);
    expect(tools("plan-approved")).toMatchObject([{ status: "ok" }, { output: "done" }]);
  });
});

describe("skills", () => {
  it("run no command when they are read, where calls are asked for", () => {
    const said = transcript("skill-asked").entries.map(({ call }) => (call.call === "push" ? call.line : ""));
    expect(said.join("\n")).toContain("[shell command execution disabled by policy]");
    expect(eventsOf(replay("skill-asked").events, "permission.requested")).toMatchObject([
      { tool: { name: "Skill" } },
    ]);
  });
});
