import { describe, expect, it } from "vitest";
import { droid } from "../../../../backends/droid/index.ts";
import type { ErrorCode } from "../../../../src/kit.ts";
import { describeRecordings } from "../describe-recordings.ts";
import { eventsOf, Recordings, textOf } from "../replay.ts";

const recordings = new Recordings("droid", droid);

describeRecordings(recordings, { unfinishedTools: ["killed-in-tool"] });

/** What was told of each message, with a word where the model was asked once more. */
function attempts(name: string): readonly string[] {
  return recordings.replay(name).events.flatMap((event) => {
    if (event.type === "message.completed") return [event.text];
    return event.type === "agent.retrying" ? ["again"] : [];
  });
}

function tools(name: string): readonly unknown[] {
  return eventsOf(recordings.replay(name).events, "tool.completed").map(({ status, output, exitCode }) => ({
    status,
    output,
    ...(exitCode === undefined ? {} : { exitCode }),
  }));
}

function openings(name: string): number {
  return recordings.transcript(name).entries.filter(({ call }) => call.call === "open").length;
}

describe("an answer", () => {
  it("streams, and completes the turn", () => {
    const { events } = recordings.replay("text");
    expect(textOf(events, "message.delta")).toBe("Hello, world.\nA second line.");
    expect(eventsOf(events, "message.delta").length).toBeGreaterThan(1);
    expect(recordings.terminals("text")).toEqual([
      {
        type: "turn.completed",
        stopReason: "end_turn",
        usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 },
        numTurns: 1,
      },
    ]);
  });

  it("tells thoughts from words", () => {
    const { events } = recordings.replay("thinking");
    expect(textOf(events, "reasoning.delta")).toBe("Let me see.");
    expect(textOf(events, "message.delta")).toBe("Seen.");
  });

  it("begins with the session, once, and counts each turn by itself", () => {
    const { events } = recordings.replay("second-turn");
    expect(eventsOf(events, "session.started")).toMatchObject([
      { agent: "droid", model: "stand-in", resumed: false, nativeSessionId: expect.any(String) as string },
    ]);
    expect(recordings.terminals("second-turn")).toMatchObject([
      { usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4 } },
      { usage: { inputTokens: 20, outputTokens: 7, cacheReadTokens: 0 } },
    ]);
    expect(recordings.texts("second-turn").at(-1)).toContain("!text One.");
  });

  it("that was cut short is gone on with", () => {
    expect(recordings.texts("cut-short")[0]).toBe("Only so");
    expect(recordings.terminals("cut-short")).toMatchObject([{ type: "turn.completed", numTurns: 2 }]);
  });

  it("hands the schema to Droid for one turn", () => {
    const { written } = recordings.replay("structured");
    const prompts = written.filter((line) => line.includes("droid.add_user_message"));
    expect(prompts.map((line) => line.includes('"outputFormat"'))).toEqual([true, false]);
    expect(recordings.terminals("structured")).toMatchObject([{ output: { ok: true } }, {}]);
    expect(recordings.terminals("structured")[1]).not.toHaveProperty("output");
  });

  it("is made by the model that was set", () => {
    const { steps, background } = recordings.replay("models");
    expect(steps.flatMap(({ responses = [] }) => responses)).toEqual([
      { id: "host-1", models: [{ id: "stand-in", isDefault: true }, { id: "other" }] },
      { id: "host-2" },
      { id: "host-3", error: "Droid has no model none." },
    ]);
    expect(eventsOf(background, "session.updated")).toEqual([{ type: "session.updated", model: "other" }]);
    expect(recordings.terminals("models")).toHaveLength(3);
  });

  it("may come after the past was made shorter", () => {
    const { events, background } = recordings.replay("compaction");
    expect(eventsOf([...events, ...background], "context.compacted")).toHaveLength(1);
    expect(recordings.terminals("compaction")).toMatchObject([{}, {}, { type: "turn.completed" }]);
  });
});

describe("tools", () => {
  it("tells a command that fails from one that succeeds", () => {
    expect(tools("tool-ok")).toEqual([{ status: "ok", output: "out\nerr\n", exitCode: 0 }]);
    expect(tools("tool-silent")).toEqual([{ status: "ok", output: "", exitCode: 0 }]);
    expect(tools("tool-error")).toEqual([{ status: "error", output: "out\n", exitCode: 3 }]);
    expect(tools("tool-unknown")).toMatchObject([{ status: "error" }]);
  });

  it("streams what a command prints", () => {
    const deltas = eventsOf(recordings.replay("tool-streamed").events, "tool.delta");
    expect(deltas.map(({ output }) => output).join("")).toBe("1\n2\n3\n");
    expect(deltas.length).toBeGreaterThan(1);
    expect(tools("tool-streamed")).toEqual([{ status: "ok", output: "1\n2\n3\n", exitCode: 0 }]);
  });

  it("keeps calls apart", () => {
    for (const name of ["tools-in-a-row", "tools-parallel"]) {
      expect(tools(name)).toMatchObject([
        { status: "ok", output: "one\n" },
        { status: "ok", output: "two\n" },
      ]);
    }
  });

  it("tells what became of files, with diffs", () => {
    const changes = eventsOf(recordings.replay("files").events, "file.changed");
    expect(changes.map(({ change, path }) => [change, path.split("/").at(-1)])).toEqual([
      ["added", "notes.txt"],
      ["modified", "notes.txt"],
      ["modified", "notes.txt"],
    ]);
    expect(changes[1]?.diff).toContain("@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
  });

  it("keeps the plan", () => {
    expect(eventsOf(recordings.replay("plan").events, "plan.updated")).toMatchObject([
      {
        entries: [
          { content: "First", status: "completed" },
          { content: "Second", status: "in_progress" },
          { content: "Third", status: "pending" },
        ],
      },
    ]);
  });

  it("calls those of an MCP server, once they were looked up", () => {
    const { events } = recordings.replay("mcp");
    expect(eventsOf(events, "session.started")).toMatchObject([
      { mcpServers: [{ name: "echo", status: "connected" }] },
    ]);
    expect(eventsOf(events, "tool.started").map(({ name, kind }) => [name, kind])).toEqual([
      ["ToolSearch", "other"],
      ["echo___echo", "mcp"],
    ]);
    expect(tools("mcp").at(-1)).toEqual({ status: "ok", output: "echo: hi" });
  });

  it("says so when an MCP server has not come up", () => {
    expect(eventsOf(recordings.replay("mcp-failed").events, "session.started")).toMatchObject([
      { mcpServers: [{ name: "broken", status: "failed" }] },
    ]);
  });

  it("counts the tokens of a sub-agent, whose result alone is told", () => {
    const { events } = recordings.replay("subagent");
    expect(eventsOf(events, "tool.started").map(({ name, kind }) => [name, kind])).toEqual([
      ["Task", "agent"],
    ]);
    expect(tools("subagent")).toMatchObject([
      { status: "ok", output: expect.stringContaining("Nothing there.") as string },
    ]);
    expect(recordings.texts("subagent")).toEqual(["Done."]);
  });

  it("takes up a skill", () => {
    expect(tools("skill")).toMatchObject([
      { status: "ok", output: expect.stringContaining("Say hello.") as string },
    ]);
  });
});

describe("permissions", () => {
  it.each(["deny-all", "turn-mode-deny-all", "deny-all-resumed"])("%s runs no tool", (name) => {
    expect(tools(name)).toEqual([
      { status: "denied", output: expect.stringContaining("Read is not permitted") as string },
      { status: "denied", output: "Error: Tool execution cancelled by user" },
    ]);
    expect(recordings.terminals(name).at(-1)).toMatchObject({ type: "turn.completed" });
    expect(recordings.texts(name)).not.toContain("Done.");
  });

  it("allow only the tools that were named", () => {
    expect(tools("allowed-tools")).toMatchObject([
      { status: "ok" },
      { status: "error", output: expect.stringContaining("Execute is not permitted") as string },
    ]);
    expect(eventsOf(recordings.replay("allowed-tools").events, "agent.notice")).toMatchObject([
      { level: "warning", message: "Droid has no tool Nothing that could be allowed." },
    ]);
  });

  it("are lifted for a session that is taken up, too", () => {
    expect(tools("resume")).toEqual([{ status: "ok", output: "hi\n", exitCode: 0 }]);
  });
});

describe("questions", () => {
  it("are answered", () => {
    expect(eventsOf(recordings.replay("question").events, "question.requested")).toMatchObject([
      { questions: [{ question: "Which colour?", options: [{ label: "Red" }, { label: "Blue" }] }] },
    ]);
    expect(tools("question")).toMatchObject([
      { status: "ok", output: expect.stringContaining("[answer] Blue") as string },
    ]);
  });

  it("may be declined, which ends the turn", () => {
    expect(tools("question-declined")).toMatchObject([{ status: "error" }]);
    expect(recordings.terminals("question-declined")).toMatchObject([{ type: "turn.completed" }]);
  });

  it("are withdrawn when the turn is interrupted", () => {
    const { events } = recordings.replay("question-withdrawn");
    expect(eventsOf(events, "permission.resolved")).toMatchObject([
      { outcome: "cancelled", by: "interrupt" },
    ]);
  });
});

describe("interrupts", () => {
  it.each([
    "interrupt-text",
    "interrupt-tool",
    "interrupt-at-once",
    "interrupt-hang",
    "interrupt-retry",
    "question-withdrawn",
  ])("%s keeps the process, and the next turn is good", (name) => {
    expect(recordings.terminals(name)).toMatchObject([
      { type: "turn.interrupted", by: "host" },
      { type: "turn.completed" },
    ]);
    expect(recordings.texts(name).at(-1)).toBe("Fresh.");
    expect(openings(name)).toBe(1);
  });

  it("end a command", () => {
    expect(tools("interrupt-tool")).toMatchObject([{ status: "interrupted" }]);
  });

  it("leave a session that the next process takes up", () => {
    expect(recordings.terminals("turn-mode-interrupt")).toMatchObject([
      { type: "turn.interrupted", by: "host" },
      { type: "turn.completed" },
    ]);
    expect(eventsOf(recordings.replay("turn-mode-interrupt").events, "session.started")).toHaveLength(1);
  });

  it("are not needed to steer", () => {
    expect(recordings.terminals("steer-tool")).toMatchObject([{ type: "turn.completed" }]);
    expect(recordings.texts("steer-tool")).toEqual(["Steered."]);
    expect(recordings.terminals("steer-text")).toMatchObject([{ type: "turn.completed", numTurns: 2 }]);
    expect(recordings.texts("steer-text").at(-1)).toBe("Steered.");
    expect(recordings.replay("steer-text").steps.flatMap(({ responses = [] }) => responses)).toEqual([
      { id: "host-1" },
    ]);
  });

  it("give up a message that nobody took up", () => {
    expect(recordings.terminals("steer-interrupt")).toMatchObject([
      { type: "turn.interrupted" },
      { type: "turn.completed" },
    ]);
    expect(recordings.texts("steer-interrupt").at(-1)).not.toContain("Steered");
  });
});

describe("failures", () => {
  it.each<[string, ErrorCode, number | undefined, boolean]>([
    ["api-wrong-key", "authentication_failed", 401, false],
    ["api-401", "authentication_failed", 401, false],
    ["api-403", "authentication_failed", 403, false],
    ["api-404", "model_not_found", 404, false],
    ["api-400", "agent_error", 400, false],
    ["api-too-long", "context_too_long", 400, false],
    ["api-429", "rate_limited", 429, true],
    ["api-500", "model_error", 500, true],
    ["turn-mode-401", "authentication_failed", 401, false],
  ])("%s is %s", (name, code, status, retryable) => {
    expect(recordings.terminals(name)[0]).toMatchObject({
      type: "turn.failed",
      error: { code, retryable, ...(status === undefined ? {} : { status }) },
    });
  });

  it("leave the session usable", () => {
    expect(recordings.terminals("api-401")[1]).toMatchObject({ type: "turn.completed" });
  });

  it.each([
    ["api-429", "rate_limit", 4],
    ["api-429-recovers", "rate_limit", 1],
    ["api-500", "overload", 10],
    ["api-503-recovers", "overload", 1],
    ["api-500-in-text", "overload", 1],
    ["api-dropped-in-text", "network", 1],
    ["api-dropped", "network", 4],
    ["turn-mode-dropped", "network", 2],
    ["interrupt-dropped", "network", 1],
  ])("%s tells of each attempt", (name, reason, count) => {
    const retries = eventsOf(recordings.replay(name).events, "agent.retrying");
    expect(retries).toEqual(
      Array.from({ length: count }, (_, index) => ({ type: "agent.retrying", attempt: index + 1, reason })),
    );
  });

  it.each(["api-429-recovers", "api-503-recovers"])("%s is no failure", (name) => {
    expect(recordings.terminals(name)).toMatchObject([{ type: "turn.completed" }]);
    expect(recordings.texts(name)).toEqual(["Here it is."]);
  });

  it.each([
    ["api-dropped-in-text", ["Now it", "again", "Now itHere it is."]],
    ["api-500-in-text", ["Now it", "again", "Now it", "Here it is."]],
    ["turn-mode-dropped", ["Now it", "again", "Now it", "again", "Now itHere it is."]],
    ["api-dropped", ["Now it", "again", "Now it", "again", "Now it", "again", "Now it", "again"]],
    ["interrupt-dropped", ["Now it", "again", "Fresh."]],
  ])("%s: what broke off is a message, and what is said again another", (name, said) => {
    expect(attempts(name)).toEqual(said);
  });

  it("in the middle of a text end the turn with what they are where trying again does not help", () => {
    expect(recordings.terminals("api-dropped")).toMatchObject([
      { type: "turn.failed", error: { code: "network_error", retryable: true } },
    ]);
    expect(recordings.terminals("interrupt-dropped")).toMatchObject([
      { type: "turn.interrupted" },
      { type: "turn.completed" },
    ]);
  });

  it("in the middle of an answer close its thoughts, too", () => {
    const { events } = recordings.replay("api-dropped-in-text");
    const ids = eventsOf(events, "reasoning.delta").map(({ messageId }) => messageId);
    expect(new Set(ids).size).toBe(2);
    expect(eventsOf(events, "reasoning.completed").map(({ messageId }) => messageId)).toEqual(ids);
  });

  it.each(["killed", "killed-in-tool", "terminated"])("%s: the turn ends with the process", (name) => {
    expect(recordings.terminals(name)).toMatchObject([
      { type: "turn.failed", error: { code: "agent_exited" } },
    ]);
  });

  it("at the start are told", () => {
    const [failed] = recordings.replay("start-bad-flag").steps.flatMap(({ startError }) => startError ?? []);
    expect(failed).toMatchObject({
      code: "session_start_failed",
      exitCode: 1,
      message: expect.stringContaining("--nonsense") as string,
    });
  });
});

describe("sessions", () => {
  it("go on in another process, and are not charged for their past", () => {
    expect(recordings.terminals("resume")).toMatchObject([
      { usage: { inputTokens: 10, outputTokens: 5 } },
      { usage: { inputTokens: 40, outputTokens: 14 } },
    ]);
    expect(recordings.texts("resume")[1]).toContain("!text One.");
  });

  it("are copied under an id of their own", () => {
    const told = recordings.replay("fork").steps.flatMap(({ nativeSessionId }) => nativeSessionId ?? []);
    expect(new Set(told).size).toBe(2);
    expect(recordings.texts("fork").at(-1)).toContain("!text One.");
  });

  it.each(["resume-unknown", "turn-mode-resume-unknown"])("%s: one that is not there is told", (name) => {
    expect(recordings.replay(name).steps.some(({ resumeLost }) => resumeLost === true)).toBe(true);
  });

  it.each(["instructions", "thinking-level", "spec-mode"])("%s: begin as they are asked to", (name) => {
    expect(recordings.terminals(name)).toMatchObject([{ type: "turn.completed" }]);
    expect(recordings.texts(name)).toEqual(["Yes."]);
  });
});

describe("a process for each turn", () => {
  it("counts each turn by itself, and remembers", () => {
    expect(openings("turn-mode")).toBe(2);
    expect(recordings.terminals("turn-mode")).toMatchObject([
      { usage: { inputTokens: 20, outputTokens: 10 }, numTurns: 2 },
      { usage: { inputTokens: 20, outputTokens: 7 }, numTurns: 1 },
    ]);
    expect(recordings.texts("turn-mode").at(-1)).toContain("!text One.");
    expect(tools("turn-mode")).toMatchObject([{ status: "error", exitCode: 3 }]);
    expect(eventsOf(recordings.replay("turn-mode").events, "session.started")).toHaveLength(1);
  });
});
