import { describe, expect, it } from "vitest";
import { qwen } from "../../../../backends/qwen/index.ts";
import { describeRecordings } from "../describe-recordings.ts";
import { eventsOf, Recordings, textOf } from "../replay.ts";

const recordings = new Recordings("qwen", qwen);

// Whether it tells of the command that dies with it is a matter of chance.
describeRecordings(recordings, { unfinishedTools: ["killed-in-tool"] });

function tools(name: string): readonly unknown[] {
  return eventsOf(recordings.replay(name).events, "tool.completed").map(({ status, output, exitCode }) => ({
    status,
    output,
    ...(exitCode === undefined ? {} : { exitCode }),
  }));
}

function answered(name: string, type: "message.delta" | "reasoning.delta" = "message.delta"): string {
  return textOf(recordings.replay(name).events, type);
}

describe("an answer", () => {
  it("streams, and completes the turn with its usage", () => {
    const { events } = recordings.replay("text");
    expect(answered("text")).toBe("Hello, world.\nA second line.");
    expect(eventsOf(events, "message.delta").length).toBeGreaterThan(1);
    expect(recordings.terminals("text")).toEqual([
      {
        ...{ type: "turn.completed", stopReason: "end_turn", text: "Hello, world.\nA second line." },
        usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 0, reasoningTokens: 0 },
      },
    ]);
  });

  it("counts each turn by itself, and remembers", () => {
    expect(recordings.terminals("second-turn")).toMatchObject([
      { usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4 } },
      { usage: { inputTokens: 20, outputTokens: 7, cacheReadTokens: 5 } },
    ]);
    expect(answered("second-turn")).toContain("!text One.");
  });

  it("tells thoughts from words", () => {
    expect(answered("reasoning", "reasoning.delta")).toBe("Let me see.");
    expect(answered("reasoning")).toBe("Seen.");
  });

  it("that is cut short is gone on with", () => {
    expect(answered("cut-short")).toMatch(/^Only so/);
    expect(recordings.terminals("cut-short")).toMatchObject([
      { type: "turn.completed", stopReason: "end_turn" },
    ]);
  });

  it("is given by the model that was set", () => {
    const { steps, events } = recordings.replay("models");
    expect(steps.flatMap((step) => step.responses ?? [])).toMatchObject([
      { id: "host-1", models: [{ id: "stand-in", isDefault: true }, { id: "other" }] },
      { id: "host-2" },
      { id: "host-3", error: expect.stringContaining("Model 'none' not found") as unknown },
    ]);
    expect(eventsOf(events, "turn.completed")).toHaveLength(3);
  });

  it("is one to words that begin like a command", () => {
    expect(answered("slash")).toBe("Words.");
  });

  it("is followed by the command to make the conversation shorter", () => {
    expect(eventsOf(recordings.replay("compaction").events, "context.compacted")).toMatchObject([
      { trigger: "manual", before: 8 },
    ]);
    expect(recordings.terminals("compaction")).toHaveLength(3);
  });

  it("in a process of its own is the same", () => {
    expect(recordings.terminals("turn-mode")).toMatchObject([
      {
        ...{ type: "turn.completed", text: "One.", numTurns: 1 },
        usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4 },
      },
      { type: "turn.completed", usage: { inputTokens: 40, outputTokens: 14 }, numTurns: 2 },
      { type: "turn.completed", text: expect.stringMatching(/^1\. !usage/) as unknown },
    ]);
    expect(answered("turn-mode", "reasoning.delta")).toBe("Hm.");
    expect(tools("turn-mode")).toEqual([{ status: "error", output: "hello", exitCode: 3 }]);
  });
});

describe("a tool call", () => {
  it("has its output and exit code", () => {
    expect(tools("tool-ok")).toEqual([{ status: "ok", output: "out\nerr", exitCode: 0 }]);
    expect(tools("tool-error")).toEqual([{ status: "error", output: "out", exitCode: 3 }]);
    expect(tools("tool-unknown")).toMatchObject([{ status: "error" }]);
  });

  it("is told beside others of the same answer", () => {
    expect(tools("tools-in-a-row")).toMatchObject([{ output: "one" }, { output: "two" }]);
    expect(tools("tools-parallel")).toMatchObject([{ output: "one" }, { output: "two" }]);
  });

  it("tells what becomes of files", () => {
    const changes = eventsOf(recordings.replay("files").events, "file.changed");
    expect(changes.map(({ change }) => change)).toEqual(["added", "modified", "modified"]);
    expect(changes[0]?.diff).toContain("@@ -0,0 +1,3 @@\n+one\n+two\n+three\n");
    expect(changes[1]?.diff).toContain("-two\n+2\n");
    expect(new Set(changes.map(({ path }) => path)).size).toBe(1);
    expect(eventsOf(recordings.replay("turn-mode-files").events, "file.changed")).toMatchObject([
      { change: "added", path: expect.stringMatching(/\/notes\.txt$/) as unknown },
    ]);
  });

  it("makes a plan", () => {
    expect(eventsOf(recordings.replay("plan").events, "plan.updated")).toMatchObject([
      { entries: [{ content: "Look", status: "completed" }, { content: "Leap" }, { content: "Land" }] },
    ]);
  });

  it.each(["sub-agent", "turn-mode-files"])("%s: those of a sub-agent have its call", (name) => {
    const started = eventsOf(recordings.replay(name).events, "tool.started");
    const agent = started.find(({ kind }) => kind === "agent");
    const below = started.find(({ kind }) => kind === "execute");
    expect(below?.parentToolCallId).toBe(agent?.toolCallId);
    expect(recordings.terminals(name)).toMatchObject([{ type: "turn.completed", text: "Done." }]);
  });

  it("of a sub-agent stands among its words", () => {
    const { events } = recordings.replay("sub-agent");
    const said = eventsOf(events, "message.completed").map(({ text, parentToolCallId }) => [
      text,
      parentToolCallId !== undefined,
    ]);
    expect(said).toEqual([
      ["Looking.", true],
      ["Nothing there.", true],
      ["Done.", false],
    ]);
  });

  it.each(["mcp", "turn-mode-mcp", "permission-mcp"])(
    "%s: that of a server has the server's name",
    (name) => {
      const { events } = recordings.replay(name);
      expect(eventsOf(events, "tool.started")).toMatchObject([{ name: "mcp__echo__echo", kind: "mcp" }]);
      expect(tools(name)).toEqual([{ status: "ok", output: "echo: hi" }]);
    },
  );

  it("of a tool outside of the list is not made", () => {
    expect(tools("allowed-tools")).toMatchObject([{ status: "error" }]);
    expect(answered("allowed-tools")).toBe("Done.");
  });

  it("takes up a skill", () => {
    expect(tools("skill")).toMatchObject([{ output: expect.stringContaining("Say hello.") as unknown }]);
  });
});

describe("permissions", () => {
  it("are asked about every call, harmless ones too", () => {
    const { events } = recordings.replay("permission-allow");
    expect(eventsOf(events, "permission.requested").map(({ tool }) => [tool.name, tool.kind])).toEqual([
      ["run_shell_command", "execute"],
      ["read_file", "read"],
    ]);
    expect(tools("permission-allow")).toMatchObject([{ status: "ok" }, { status: "ok" }]);
  });

  it("hold a call back", () => {
    expect(tools("permission-deny")).toEqual([{ status: "denied", output: "Not that one." }]);
    expect(recordings.terminals("permission-deny")).toMatchObject([{ type: "turn.completed" }]);
    expect(tools("permission-parallel")).toMatchObject([
      { status: "denied" },
      { status: "ok", output: "two" },
    ]);
  });

  it("are remembered by the library", () => {
    const { events } = recordings.replay("permission-remembered");
    expect(eventsOf(events, "permission.requested")).toHaveLength(1);
    expect(tools("permission-remembered")).toHaveLength(2);
  });

  it("are withdrawn by an interruption", () => {
    const { events } = recordings.replay("permission-withdrawn");
    expect(eventsOf(events, "permission.resolved")).toMatchObject([
      { outcome: "cancelled", by: "interrupt" },
    ]);
    expect(recordings.terminals("permission-withdrawn")).toMatchObject([
      { type: "turn.interrupted" },
      { type: "turn.completed" },
    ]);
  });

  it.each(["deny-all", "turn-mode-deny-all"])("%s makes no call", (name) => {
    expect(tools(name)).toMatchObject([{ status: "denied" }]);
  });

  it("let a question through to the host", () => {
    expect(eventsOf(recordings.replay("question").events, "question.requested")).toMatchObject([
      { questions: [{ id: "0", question: "Which colour?", options: [{ label: "Red" }, { label: "Blue" }] }] },
    ]);
    expect(tools("question")).toMatchObject([{ output: expect.stringContaining("Blue") as unknown }]);
    expect(recordings.terminals("question-declined")).toMatchObject([{ type: "turn.completed" }]);
  });
});

describe("an interruption", () => {
  it.each(["interrupt-text", "interrupt-tool", "interrupt-at-once", "turn-mode-interrupt"])(
    "%s is followed by a good turn",
    (name) => {
      expect(recordings.terminals(name)).toMatchObject([
        { type: "turn.interrupted", by: "host" },
        { type: "turn.completed" },
      ]);
      expect(answered(name)).toMatch(/Fresh\.$/);
    },
  );

  it("ends a silent answer, and a command", () => {
    expect(recordings.terminals("interrupt-hang")).toMatchObject([{ type: "turn.interrupted" }]);
    expect(tools("interrupt-tool")).toMatchObject([{ status: "interrupted" }]);
  });
});

describe("a failure", () => {
  it.each([
    ["api-401", "authentication_failed", 401],
    ["api-403", "authentication_failed", 403],
    ["api-404", "model_not_found", 404],
    ["api-400", "agent_error", 400],
    ["api-too-long", "context_too_long", 400],
    ["turn-mode-api-401", "authentication_failed", 401],
  ])("%s is %s", (name, code, status) => {
    expect(recordings.terminals(name)).toMatchObject([{ type: "turn.failed", error: { code, status } }]);
  });

  it("for too many requests comes after many of them, in its own words", () => {
    expect(recordings.terminals("api-429")).toMatchObject([
      { type: "turn.failed", error: { code: "rate_limited", retryable: true } },
    ]);
  });

  it.each(["api-dropped", "api-dropped-in-text"])("%s is one of the network", (name) => {
    expect(recordings.terminals(name)).toMatchObject([
      { type: "turn.failed", error: { code: "network_error" } },
    ]);
  });

  it.each(["api-429-recovers", "api-500-recovers", "api-503", "turn-mode-api-429-recovers"])(
    "%s passes, of which nothing is told",
    (name) => {
      expect(recordings.terminals(name)).toMatchObject([{ type: "turn.completed" }]);
      expect(answered(name)).toMatch(/Here it is\.$/);
    },
  );

  it("of the process is told with how it ended", () => {
    const killed = [{ error: { code: "agent_exited", signal: "SIGKILL" } }];
    expect(recordings.terminals("killed")).toMatchObject(killed);
    expect(recordings.terminals("killed-in-tool")).toMatchObject(killed);
    expect(recordings.terminals("turn-mode-killed")).toMatchObject(killed);
    expect(recordings.terminals("terminated")).toMatchObject([{ error: { code: "agent_exited" } }]);
  });

  it("before the session is ready is an error of the start", () => {
    const [startError] = recordings.replay("start-bad-flag").steps.flatMap((step) => step.startError ?? []);
    expect(startError?.message).toContain("did not take its arguments");
  });
});

describe("another process", () => {
  it("takes the session up", () => {
    const { steps, events, background } = recordings.replay("resume");
    const started = eventsOf([...background, ...events], "session.started");
    expect(started.map(({ resumed }) => resumed)).toEqual([false, true]);
    expect(new Set(steps.flatMap((step) => step.nativeSessionId ?? [])).size).toBe(1);
    expect(answered("resume")).toMatch(/!text One\.$/);
    expect(recordings.terminals("resume")).toMatchObject([
      { usage: { inputTokens: 10 } },
      { usage: { inputTokens: 20, outputTokens: 7 } },
    ]);
  });

  it.each(["resume-unknown", "resume-nonsense", "turn-mode-resume-unknown"])("%s is lost", (name) => {
    const { steps } = recordings.replay(name);
    expect(steps.some((step) => step.resumeLost === true)).toBe(true);
    expect(steps.every((step) => step.startError === undefined)).toBe(true);
  });
});
