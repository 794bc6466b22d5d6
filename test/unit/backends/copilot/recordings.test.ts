import { describe, expect, it } from "vitest";
import { copilot } from "../../../../backends/copilot/index.ts";
import type { ErrorCode } from "../../../../src/kit.ts";
import { describeRecordings } from "../describe-recordings.ts";
import { eventsOf, Recordings, textOf } from "../replay.ts";

const recordings = new Recordings("copilot", copilot);

describeRecordings(recordings, { unfinishedTools: ["interrupt-tool", "interrupt-permission"] });

function tools(name: string): readonly unknown[] {
  return eventsOf(recordings.replay(name).events, "tool.completed").map(({ status, output, exitCode }) => ({
    status,
    output,
    ...(exitCode === undefined ? {} : { exitCode }),
  }));
}

const nothingUsed = { cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };

describe("an answer", () => {
  it("streams, and completes the turn", () => {
    const { events } = recordings.replay("text");
    expect(textOf(events, "message.delta")).toBe("Hello, world.\nA second line.");
    expect(eventsOf(events, "message.delta").length).toBeGreaterThan(1);
    expect(recordings.terminals("text")).toMatchObject([
      { type: "turn.completed", stopReason: "end_turn", numTurns: 1 },
    ]);
  });

  it("tells thoughts from words", () => {
    const { events } = recordings.replay("reasoning");
    expect(textOf(events, "reasoning.delta")).toBe("Let me see. Is it so?");
    expect(textOf(events, "message.delta")).toBe("Seen.");
  });

  it("begins with the session, once, and counts each turn by itself", () => {
    const { events, steps } = recordings.replay("second-turn");
    expect(eventsOf(events, "session.started")).toMatchObject([
      { agent: "copilot", model: "gpt-5.4", resumed: false, nativeSessionId: expect.any(String) as string },
    ]);
    expect(recordings.terminals("second-turn")).toMatchObject([
      { usage: { ...nothingUsed, inputTokens: 10, outputTokens: 5, cacheReadTokens: 4, reasoningTokens: 2 } },
      { usage: { ...nothingUsed, inputTokens: 20, outputTokens: 7 } },
    ]);
    expect(steps.flatMap(({ responses = [] }) => responses)).toEqual([{ id: "host-1" }]);
    const told = [...events, ...recordings.replay("second-turn").background];
    expect(told).toContainEqual({ type: "session.updated", model: "gpt-5.5" });
  });

  it("hands the schema to the model for one turn", () => {
    const { written } = recordings.replay("structured");
    const prompts = written.filter((line) => line.includes('"session.send"'));
    expect(prompts.map((line) => line.includes('"json_schema"'))).toEqual([true, false]);
    expect(recordings.texts("structured")).toEqual(['{"ok":true}', "In words."]);
  });

  it("is compacted in the background", () => {
    const { events, background } = recordings.replay("compaction");
    expect(eventsOf([...events, ...background], "context.compacted").length).toBeGreaterThan(0);
    expect(eventsOf([...events, ...background], "context.compacted")[0]).toMatchObject({ trigger: "auto" });
  });
});

describe("tools", () => {
  it("tells a command that fails from one that succeeds", () => {
    expect(tools("tool-ok")).toEqual([{ status: "ok", output: "hello", exitCode: 0 }]);
    expect(tools("tool-error")).toEqual([{ status: "error", output: "oops", exitCode: 3 }]);
    expect(tools("tool-unknown")).toMatchObject([{ status: "error" }]);
  });

  it("streams what a command prints", () => {
    const deltas = eventsOf(recordings.replay("tool-streamed").events, "tool.delta");
    expect(deltas.map(({ output }) => output)).toEqual(["one\n", "two\n", "three\n"]);
  });

  it("runs two calls at once", () => {
    const types = recordings.replay("tools-parallel").events.map(({ type }) => type);
    expect(types.indexOf("tool.completed")).toBeGreaterThan(types.lastIndexOf("tool.started"));
  });

  it("tells what became of files, with diffs", () => {
    const changes = eventsOf(recordings.replay("files").events, "file.changed");
    expect(changes.map(({ change, path }) => [change, path.split("/").at(-1)])).toEqual([
      ["added", "notes.txt"],
      ["modified", "notes.txt"],
      ["deleted", "notes.txt"],
    ]);
    expect(changes[1]?.diff).toContain("-one\n+two");
  });

  it("keeps the plan", () => {
    const { events } = recordings.replay("plan");
    expect(eventsOf(events, "plan.updated").at(-1)).toMatchObject({
      entries: [
        { content: "First", status: "completed" },
        { content: "Second", status: "pending" },
      ],
    });
  });

  it("puts what a sub-agent does below the call that began it, and counts its tokens", () => {
    const { events } = recordings.replay("subagent");
    const [task, bash] = eventsOf(events, "tool.started");
    expect(task).toMatchObject({ name: "task", kind: "agent" });
    expect(bash).toMatchObject({ name: "bash", parentToolCallId: task?.toolCallId });
    const messages = eventsOf(events, "message.completed");
    expect(messages[0]).toMatchObject({ text: "Nothing there.", parentToolCallId: task?.toolCallId });
    expect(messages.at(-1)).not.toHaveProperty("parentToolCallId");
    expect(recordings.terminals("subagent")).toMatchObject([{ numTurns: 4 }]);
  });

  it("calls those of an MCP server", () => {
    expect(eventsOf(recordings.replay("mcp").events, "tool.started")).toMatchObject([
      { name: "echo-echo", kind: "mcp", input: { text: "hi" } },
    ]);
    expect(tools("mcp")).toMatchObject([{ status: "ok" }]);
  });

  it("says so when an MCP server cannot be started", () => {
    const { events } = recordings.replay("mcp-failed");
    expect(eventsOf(events, "agent.notice")).toMatchObject([
      {
        level: "warning",
        message: expect.stringMatching(/^The MCP server broken could not be started: /) as string,
      },
    ]);
    expect(
      eventsOf(events, "session.updated")
        .filter(({ mcpServers }) => mcpServers !== undefined)
        .at(-1),
    ).toMatchObject({
      mcpServers: [{ name: "broken", status: "failed" }],
    });
  });

  it("leaves to no turn what a command in the background brings about", () => {
    const { events, background } = recordings.replay("background-command");
    expect(recordings.terminals("background-command")).toHaveLength(2);
    expect(recordings.texts("background-command")).toEqual(["Started.", "Next."]);
    expect(eventsOf(background, "tool.started").map(({ name }) => name)).toEqual(["read_bash"]);
    // What the agent did of its own accord is charged to the turn that follows.
    expect(eventsOf(events, "turn.completed").map(({ numTurns }) => numTurns)).toEqual([2, 2]);
  });
});

describe("permissions", () => {
  it("are asked for every call, also of tools that only look", () => {
    const asked = eventsOf(recordings.replay("permission-allow").events, "permission.requested");
    expect(asked.map(({ tool }) => [tool.name, tool.kind, tool.toolCallId !== undefined])).toEqual([
      ["bash", "execute", true],
      ["view", "read", true],
      ["apply_patch", "edit", true],
    ]);
    expect(asked[2]?.tool.input).toMatchObject({ changes: [{ path: "notes.txt" }] });
    expect(tools("permission-allow")).toMatchObject([{ status: "ok" }, { status: "ok" }, { status: "ok" }]);
  });

  it("denied, leave the turn to go on", () => {
    expect(tools("permission-deny")).toMatchObject([
      { status: "denied", output: expect.stringContaining("Not that one.") as string },
      { status: "denied" },
      { status: "ok", output: "allowed" },
    ]);
    expect(recordings.terminals("permission-deny")).toMatchObject([{ type: "turn.completed" }]);
  });

  it("can be given for another input", () => {
    expect(tools("permission-changed")).toMatchObject([
      { status: "ok", output: "changed" },
      { status: "ok", output: expect.stringContaining("other.txt") as string },
    ]);
  });

  it("are asked for tools of MCP servers and for sub-agents", () => {
    expect(tools("permission-mcp")).toMatchObject([{ status: "ok" }, { status: "denied" }]);
    const asked = eventsOf(recordings.replay("permission-subagent").events, "permission.requested");
    expect(asked.map(({ tool }) => tool.name)).toEqual(["task", "bash"]);
    expect(tools("permission-subagent")).toMatchObject([{ status: "denied" }, { status: "ok" }]);
  });

  it("are not even asked for where all is denied", () => {
    const { events } = recordings.replay("deny-all");
    expect(eventsOf(events, "permission.requested")).toEqual([]);
    expect(tools("deny-all")).toMatchObject([{ status: "denied" }, { status: "denied" }]);
  });
});

describe("questions", () => {
  it("are answered by choice, and in words of the host's own", () => {
    expect(eventsOf(recordings.replay("question").events, "question.requested")).toMatchObject([
      {
        questions: [
          { question: "Which one?", options: [{ label: "Red" }, { label: "Blue" }], multiSelect: false },
        ],
      },
      {},
    ]);
    expect(eventsOf(recordings.replay("question").events, "permission.requested")).toEqual([]);
    expect(tools("question")).toMatchObject([
      { output: "User selected: Blue" },
      { output: "User responded: Neither" },
    ]);
  });

  it("may be declined", () => {
    expect(tools("question-declined")).toMatchObject([
      { output: "User responded: The user declined to answer." },
    ]);
  });
});

describe("interrupts", () => {
  it.each(["interrupt-text", "interrupt-tool", "interrupt-at-once", "interrupt-permission"])(
    "%s keeps the session, and the next turn is good",
    (name) => {
      expect(recordings.terminals(name)).toMatchObject([
        { type: "turn.interrupted", by: "host" },
        { type: "turn.completed" },
      ]);
      expect(recordings.texts(name).at(-1)).toBe("Fresh.");
      expect(recordings.transcript(name).entries.filter(({ call }) => call.call === "open")).toHaveLength(1);
    },
  );

  it("stop a model that is silent", () => {
    expect(recordings.terminals("interrupt-hang")).toMatchObject([{ type: "turn.interrupted", by: "host" }]);
  });

  it("withdraw what was asked for", () => {
    const { events } = recordings.replay("interrupt-permission");
    expect(eventsOf(events, "permission.resolved")).toMatchObject([
      { outcome: "cancelled", by: "interrupt" },
    ]);
  });

  it("are not needed to steer", () => {
    expect(recordings.terminals("steer-text")).toMatchObject([{ type: "turn.completed", numTurns: 2 }]);
    expect(recordings.texts("steer-text").at(-1)).toBe("Steered.");
  });
});

describe("failures", () => {
  it.each<[string, ErrorCode, number | undefined, boolean]>([
    ["api-401", "authentication_failed", 401, false],
    ["api-404", "model_not_found", 404, false],
    ["api-too-long", "context_too_long", 400, false],
    ["api-500", "model_error", 500, true],
    ["api-wrong-key", "authentication_failed", 401, false],
    ["turn-mode-api-401", "authentication_failed", 401, false],
  ])("%s is %s", (name, code, status, retryable) => {
    expect(recordings.terminals(name)[0]).toMatchObject({
      type: "turn.failed",
      error: { code, retryable, ...(status === undefined ? {} : { status }) },
    });
  });

  it.each(["api-401", "api-404", "api-too-long", "api-500"])("%s leaves the session usable", (name) => {
    expect(recordings.terminals(name)[1]).toMatchObject({ type: "turn.completed" });
  });

  it.each([
    ["api-429-recovers", { reason: "rate_limit", status: 429 }, 2],
    ["api-500", { reason: "server", status: 500 }, 5],
    ["api-dropped", { reason: "network" }, 1],
    ["turn-mode-api-500-recovers", { reason: "server", status: 500 }, 1],
  ])("%s tells of each attempt", (name, cause, count) => {
    const retries = eventsOf(recordings.replay(name).events, "agent.retrying");
    expect(retries).toHaveLength(count);
    expect(retries.map(({ attempt }) => attempt)).toEqual(retries.map((_, index) => index + 1));
    for (const retry of retries) expect(retry).toMatchObject(cause);
  });

  it("of the process end the turn", () => {
    for (const name of ["killed", "turn-mode-killed"]) {
      expect(recordings.terminals(name)).toMatchObject([
        { type: "turn.failed", error: { code: "agent_exited", retryable: true } },
      ]);
    }
  });
});

describe("sessions", () => {
  it("go on in another process, and are not charged for their past", () => {
    expect(recordings.terminals("resume")).toMatchObject([
      { usage: { inputTokens: 10, outputTokens: 5 } },
      { usage: { inputTokens: 20, outputTokens: 7 } },
    ]);
    expect(recordings.texts("resume").at(-1)).toContain("!text One.");
  });

  it("are copied under an id of their own", () => {
    const told = recordings.replay("fork").steps.flatMap(({ nativeSessionId }) => nativeSessionId ?? []);
    expect(new Set(told).size).toBe(2);
    expect(recordings.texts("fork").at(-1)).toContain("!text One.");
  });

  it.each(["resume-unknown", "turn-mode-resume-unknown"])(
    "%s: a session that is not there is told",
    (name) => {
      expect(recordings.replay(name).steps.some(({ resumeLost }) => resumeLost === true)).toBe(true);
    },
  );
});

describe("one shot", () => {
  it("counts each turn by itself, and remembers", () => {
    expect(recordings.terminals("turn-mode")).toMatchObject([
      { usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4 }, numTurns: 1 },
      { usage: { inputTokens: 40, outputTokens: 14 }, numTurns: 2 },
      { type: "turn.completed" },
    ]);
    expect(recordings.texts("turn-mode").at(-1)).toContain("!text One.");
    expect(tools("turn-mode")).toMatchObject([{ status: "error", exitCode: 3 }]);
  });

  it("knows the usage of a session that was begun elsewhere", () => {
    const transcript = recordings.transcript("turn-mode");
    const calls = transcript.entries.map(({ call }) => call);
    const second = calls.findIndex((call, index) => index > 0 && call.call === "open");
    const { events } = recordings.replayCalls(transcript, calls.slice(second));
    expect(eventsOf(events, "turn.completed")[0]).toMatchObject({
      usage: { inputTokens: 40, outputTokens: 14 },
    });
  });

  it("says so where it does not know that", () => {
    const transcript = recordings.transcript("turn-mode");
    const calls = transcript.entries.map(({ call }) => call);
    const second = calls.findIndex((call, index) => index > 0 && call.call === "open");
    const [open, prompt, report, ...rest] = calls.slice(second);
    expect(report).toMatchObject({ call: "push", line: expect.stringContaining("modelMetrics") as string });
    const { events } = recordings.replayCalls(transcript, [open!, prompt!, ...rest]);
    const [completed] = eventsOf(events, "turn.completed");
    expect(completed).not.toHaveProperty("usage");
    expect(eventsOf(events, "agent.notice")).toMatchObject([
      { level: "info", message: expect.stringContaining("usage of this turn is not known") as string },
    ]);
  });

  it("runs no tool where all is denied", () => {
    expect(tools("turn-mode-deny-all")).toMatchObject([{ status: "denied" }]);
  });

  it("takes up an interrupted session", () => {
    expect(recordings.terminals("turn-mode-interrupt")).toMatchObject([
      { type: "turn.interrupted", by: "host" },
      { type: "turn.completed" },
    ]);
    expect(recordings.texts("turn-mode-interrupt").at(-1)).toContain("One two three");
  });
});
