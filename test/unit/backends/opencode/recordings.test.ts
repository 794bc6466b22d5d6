import { describe, expect, it } from "vitest";
import { opencode } from "../../../../backends/opencode/index.ts";
import { describeRecordings } from "../describe-recordings.ts";
import { eventsOf, Recordings, textOf } from "../replay.ts";

const recordings = new Recordings("opencode", opencode);

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
        type: "turn.completed",
        stopReason: "end_turn",
        usage: {
          ...{ inputTokens: 10, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 },
          reasoningTokens: 0,
        },
        numTurns: 1,
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

  it("that is cut short says so", () => {
    expect(recordings.terminals("cut-short")).toMatchObject([
      { type: "turn.completed", stopReason: "max_tokens" },
    ]);
  });

  it("is given by the model that was set", () => {
    const { steps, events } = recordings.replay("models");
    expect(steps.flatMap((step) => step.responses ?? [])).toMatchObject([
      { id: "host-1", models: [{ id: "other" }, { id: "stand-in", isDefault: true }] },
      { id: "host-2" },
      { id: "host-3", error: expect.stringContaining('does not offer the model "none"') as unknown },
    ]);
    expect(eventsOf(events, "turn.completed")).toHaveLength(3);
  });

  it("makes the context shorter where it has grown too long", () => {
    const { events } = recordings.replay("compaction");
    expect(eventsOf(events, "context.compacted")).toEqual([{ type: "context.compacted", trigger: "auto" }]);
    expect(recordings.terminals("compaction")).toHaveLength(3);
    expect(eventsOf(recordings.replay("api-too-long").events, "context.compacted")).toHaveLength(1);
  });

  it("is one to words that begin like a command", () => {
    expect(answered("slash")).toBe("Words.");
  });

  it("in a process of its own is the same", () => {
    expect(recordings.terminals("turn-mode")).toMatchObject([
      { type: "turn.completed", usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4 } },
      { type: "turn.completed", usage: { inputTokens: 40, outputTokens: 14 }, numTurns: 2 },
      { type: "turn.completed" },
    ]);
    expect(answered("turn-mode", "reasoning.delta")).toBe("Hm.");
    expect(answered("turn-mode")).toMatch(/^One\.Two\.1\. !usage/);
    expect(tools("turn-mode")).toEqual([{ status: "error", output: "hello\n", exitCode: 3 }]);
    expect(recordings.terminals("turn-mode-image")).toMatchObject([{ type: "turn.completed" }]);
  });
});

describe("a tool call", () => {
  it("has its output and exit code", () => {
    expect(tools("tool-ok")).toEqual([{ status: "ok", output: "out\nerr\n", exitCode: 0 }]);
    expect(tools("tool-error")).toEqual([{ status: "error", output: "out\n", exitCode: 3 }]);
  });

  it("streams its output", () => {
    const deltas = eventsOf(recordings.replay("tool-streamed").events, "tool.delta");
    expect(deltas.map(({ output }) => output)).toEqual(["1\n", "2\n", "3\n"]);
  });

  it("is told beside others of the same answer", () => {
    expect(tools("tools-in-a-row")).toMatchObject([{ output: "one\n" }, { output: "two\n" }]);
    expect(tools("tools-parallel")).toHaveLength(2);
  });

  it("tells what becomes of files", () => {
    const changes = eventsOf(recordings.replay("files").events, "file.changed");
    expect(changes.map(({ change }) => change)).toEqual(["added", "modified", "modified"]);
    expect(changes[0]?.diff).toContain("@@ -0,0 +1,3 @@\n+one\n+two\n+three\n");
    expect(changes[1]?.diff).toContain("-two\n+2\n");
    expect(new Set(changes.map(({ path }) => path)).size).toBe(1);
  });

  it("makes a plan", () => {
    expect(eventsOf(recordings.replay("plan").events, "plan.updated")).toMatchObject([
      { entries: [{ content: "Look", status: "completed" }, { content: "Leap" }, { content: "Land" }] },
    ]);
  });

  it.each(["sub-agent", "turn-mode-files"])("%s: those of a sub-agent have its call", (name) => {
    const { events } = recordings.replay(name);
    const started = eventsOf(events, "tool.started");
    const agent = started.find(({ kind }) => kind === "agent");
    const below = started.find(({ kind }) => kind === "execute");
    expect(below?.parentToolCallId).toBe(agent?.toolCallId);
    const said = eventsOf(events, "message.completed").map(({ text, parentToolCallId }) => [
      text,
      parentToolCallId === agent?.toolCallId,
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

  it("of a server that did not start is missed, and told", () => {
    expect(eventsOf(recordings.replay("mcp-failed").events, "agent.notice")).toMatchObject([
      { level: "warning", message: expect.stringContaining('"broken" could not be started') as unknown },
    ]);
  });

  it("of a tool outside of the list is not made", () => {
    expect(tools("allowed-tools")).toMatchObject([{ status: "error" }]);
    expect(answered("allowed-tools")).toBe("Done.");
  });
});

describe("permissions", () => {
  it("are asked about every call, harmless ones too", () => {
    const { events } = recordings.replay("permission-allow");
    expect(eventsOf(events, "permission.requested").map(({ tool }) => [tool.name, tool.kind])).toEqual([
      ["bash", "execute"],
      ["read", "read"],
    ]);
    expect(tools("permission-allow")).toMatchObject([{ status: "ok" }, { status: "ok" }]);
  });

  it.each(["permission-deny", "permission-no-program"])("%s holds the call back, and says why", (name) => {
    expect(tools(name)).toEqual([{ status: "denied", output: "Not that one." }]);
    expect(recordings.terminals(name)).toMatchObject([{ type: "turn.completed" }]);
  });

  it("may change the input, and be remembered", () => {
    expect(tools("permission-changed")).toEqual([{ status: "ok", output: "changed\n", exitCode: 0 }]);
    const { events } = recordings.replay("permission-remembered");
    expect(eventsOf(events, "permission.requested")).toHaveLength(1);
    expect(tools("permission-remembered")).toHaveLength(2);
  });

  it("are asked for calls side by side, and for those of sub-agents", () => {
    expect(tools("permission-parallel")).toMatchObject([
      { status: "denied" },
      { status: "ok", output: "two\n" },
    ]);
    const { events } = recordings.replay("permission-sub-agent");
    expect(eventsOf(events, "permission.requested").map(({ tool }) => tool.name)).toEqual(["task", "bash"]);
    expect(tools("permission-sub-agent")).toMatchObject([{ status: "denied" }, { status: "ok" }]);
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
    expect(tools("question-declined")).toMatchObject([{ status: "error" }]);
  });
});

describe("an interruption", () => {
  it.each([
    "interrupt-text",
    "interrupt-tool",
    "interrupt-at-once",
    "interrupt-retry",
    "turn-mode-interrupt",
  ])("%s is followed by a good turn", (name) => {
    expect(recordings.terminals(name)).toMatchObject([
      { type: "turn.interrupted", by: "host" },
      { type: "turn.completed" },
    ]);
    expect(answered(name)).toMatch(/Fresh\.$/);
  });

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
    ["api-429", "rate_limited", 429],
    ["turn-mode-api-401", "authentication_failed", 401],
  ])("%s is %s", (name, code, status) => {
    expect(recordings.terminals(name)).toMatchObject([{ type: "turn.failed", error: { code, status } }]);
  });

  it("of the connection is one of the network", () => {
    expect(recordings.terminals("api-dropped")).toMatchObject([
      { type: "turn.failed", error: { code: "network_error" } },
    ]);
  });

  it.each([
    ["api-429-recovers", "other"],
    ["api-500-recovers", "other"],
    ["api-503", "overload"],
    ["api-dropped-in-text", "network"],
    ["turn-mode-api-429-recovers", "other"],
  ])("%s that passes is a retry", (name, reason) => {
    expect(eventsOf(recordings.replay(name).events, "agent.retrying")).toMatchObject([
      { attempt: 1, reason },
    ]);
    expect(recordings.terminals(name)).toMatchObject([{ type: "turn.completed" }]);
    expect(answered(name)).toMatch(/Here it is\.$/);
  });

  it("of the process is told with how it ended", () => {
    const killed = [{ error: { code: "agent_exited", signal: "SIGKILL" } }];
    expect(recordings.terminals("killed")).toMatchObject(killed);
    expect(recordings.terminals("killed-in-tool")).toMatchObject(killed);
    expect(recordings.terminals("turn-mode-killed")).toMatchObject(killed);
    expect(recordings.terminals("terminated")).toMatchObject([{ error: { code: "agent_exited" } }]);
  });

  it.each([
    ["start-bad-flag", "did not take its arguments"],
    ["start-bad-config", "Configuration is invalid"],
  ])("%s is an error of the start", (name, words) => {
    const [startError] = recordings.replay(name).steps.flatMap((step) => step.startError ?? []);
    expect(startError?.message).toContain(words);
  });
});

describe("another process", () => {
  const ids = (name: string): readonly unknown[] =>
    eventsOf(
      [...recordings.replay(name).background, ...recordings.replay(name).events],
      "session.started",
    ).map((event) => event.nativeSessionId);

  it("takes the session up, or copies it", () => {
    expect(ids("resume")).toHaveLength(2);
    expect(new Set(ids("resume")).size).toBe(1);
    expect(new Set(ids("fork")).size).toBe(2);
    expect(new Set(ids("turn-mode-fork")).size).toBe(2);
    for (const name of ["resume", "fork", "turn-mode-fork"]) expect(answered(name)).toMatch(/!text One\.$/);
  });

  it.each(["resume-unknown", "resume-nonsense", "turn-mode-resume-unknown"])("%s is lost", (name) => {
    const { steps } = recordings.replay(name);
    expect(steps.some((step) => step.resumeLost === true)).toBe(true);
    expect(steps.every((step) => step.startError === undefined)).toBe(true);
  });
});
