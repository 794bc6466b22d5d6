import { describe, expect, it } from "vitest";
import { pi } from "../../../../backends/pi/index.ts";
import { describeRecordings } from "../describe-recordings.ts";
import { eventsOf, Recordings, textOf } from "../replay.ts";

const recordings = new Recordings("pi", pi);

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

function modelSaw(name: string): string {
  return recordings
    .transcript(name)
    .entries.flatMap(({ call }) => (call.call === "push" ? [call.line] : []))
    .join("\n");
}

describe("an answer", () => {
  it("streams, and completes the turn with usage and cost", () => {
    const { events } = recordings.replay("text");
    expect(answered("text")).toBe("Hello, world.\nA second line.");
    expect(eventsOf(events, "message.delta").length).toBeGreaterThan(1);
    expect(recordings.terminals("text")).toEqual([
      {
        type: "turn.completed",
        stopReason: "end_turn",
        usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 },
        costUsd: 0.000105,
        numTurns: 1,
      },
    ]);
  });

  it("begins with the session's facts, once", () => {
    const { events, steps } = recordings.replay("second-turn");
    const started = eventsOf(events, "session.started");
    expect(started).toMatchObject([
      {
        agent: "pi",
        model: "custom/stand-in",
        resumed: false,
        tools: ["read", "bash", "edit", "write", "request_user_input"],
      },
    ]);
    expect(steps.flatMap((step) => step.nativeSessionId ?? [])).toEqual([started[0]!.nativeSessionId]);
  });

  it("counts each turn by itself", () => {
    expect(recordings.terminals("second-turn")).toMatchObject([
      { usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 40 }, costUsd: 0.000117 },
      { usage: { inputTokens: 20, outputTokens: 7, cacheReadTokens: 50 }, costUsd: 0.00018 },
    ]);
    expect(answered("second-turn")).toContain("!text One.");
  });

  it("tells thoughts from words", () => {
    expect(answered("thinking", "reasoning.delta")).toBe("Let me see.");
    expect(answered("thinking")).toBe("Seen.");
  });

  it("that is cut short says so", () => {
    expect(recordings.terminals("cut-short")).toMatchObject([
      { type: "turn.completed", stopReason: "max_tokens" },
    ]);
  });

  it("in a process of its own is the same", () => {
    expect(recordings.terminals("turn-mode")).toMatchObject([
      { type: "turn.completed", usage: { inputTokens: 20, outputTokens: 10 } },
      { type: "turn.completed", usage: { inputTokens: 20, outputTokens: 7 } },
    ]);
    expect(answered("turn-mode")).toMatch(/^One\.Two\.1\. !usage/);
    expect(tools("turn-mode")).toEqual([{ status: "error", output: "", exitCode: 3 }]);
    expect(recordings.terminals("turn-mode-image")).toMatchObject([{ type: "turn.completed" }]);
  });

  it("is given by the model that was set", () => {
    const { steps, events } = recordings.replay("models");
    expect(steps.flatMap((step) => step.responses ?? [])).toEqual([
      {
        id: "host-1",
        models: [
          { id: "custom/stand-in", name: "stand-in", isDefault: true },
          { id: "custom/other", name: "other" },
        ],
      },
      { id: "host-2" },
      { id: "host-3", error: "Pi has no model custom/none, or no key for its provider." },
    ]);
    expect(eventsOf(events, "turn.completed")).toHaveLength(3);
    expect(modelSaw("models")).toContain('"model":"other"');
  });

  it("is followed by a compaction where the context has grown too long", () => {
    const { events } = recordings.replay("compaction");
    expect(eventsOf(events, "context.compacted")).toEqual([
      { type: "context.compacted", trigger: "auto", before: 30_020 },
    ]);
    expect(recordings.terminals("compaction")).toHaveLength(3);
  });
});

describe("a tool call", () => {
  it("has its output and exit code", () => {
    expect(tools("tool-ok")).toEqual([{ status: "ok", output: "out\nerr\n", exitCode: 0 }]);
    expect(tools("tool-error")).toEqual([{ status: "error", output: "out\n", exitCode: 3 }]);
    expect(tools("tool-unknown")).toEqual([{ status: "error", output: "Tool nothing not found" }]);
  });

  it("streams its output", () => {
    const { events } = recordings.replay("tool-streamed");
    const deltas = eventsOf(events, "tool.delta").map(({ output }) => output);
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.join("")).toBe("1\n2\n3\n");
  });

  it("is told beside others of the same answer", () => {
    expect(tools("tools-in-a-row")).toMatchObject([{ output: "one\n" }, { output: "two\n" }]);
    expect(tools("tools-parallel")).toHaveLength(2);
  });

  it("tells what becomes of files", () => {
    const changes = eventsOf(recordings.replay("files").events, "file.changed");
    expect(changes.map(({ change }) => change)).toEqual(["added", "modified", "modified"]);
    expect(changes[0]!.diff).toContain("@@ -0,0 +1,3 @@\n+one\n+two\n+three\n");
    expect(changes[1]!.diff).toContain("@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
    expect(new Set(changes.map(({ path }) => path)).size).toBe(1);
  });

  it("of a tool outside of the list is not made", () => {
    expect(tools("allowed-tools")).toEqual([{ status: "error", output: "Tool bash not found" }]);
    expect(eventsOf(recordings.replay("allowed-tools").events, "session.started")[0]!.tools).toEqual([
      "read",
    ]);
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

  it("hold a call back, and tell the model why", () => {
    expect(tools("permission-deny")).toEqual([{ status: "denied", output: "Not that one." }]);
    expect(recordings.terminals("permission-deny")).toMatchObject([{ type: "turn.completed" }]);
    expect(tools("permission-parallel")).toMatchObject([
      { status: "denied" },
      { status: "ok", output: "two\n" },
    ]);
  });

  it("may change the input, and be remembered", () => {
    expect(tools("permission-changed")).toEqual([{ status: "ok", output: "changed\n", exitCode: 0 }]);
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

  it.each(["deny-all", "turn-mode-deny-all"])("%s offers no tool, and makes no call", (name) => {
    expect(tools(name)).toEqual([{ status: "denied", output: "Tool bash not found" }]);
  });

  it("let a question through to the host", () => {
    expect(eventsOf(recordings.replay("question").events, "question.requested")).toMatchObject([
      {
        questions: [
          { id: "colour", options: [{ label: "Red" }, { label: "Blue", description: "Like the sky." }] },
        ],
      },
    ]);
    expect(tools("question")).toEqual([{ status: "ok", output: '{"colour":"Blue"}' }]);
    expect(tools("question-declined")).toEqual([{ status: "error", output: "The user declined to answer." }]);
  });
});

describe("an interruption", () => {
  it.each(["interrupt-text", "interrupt-tool", "interrupt-at-once", "interrupt-retry"])(
    "%s is followed by a good turn",
    (name) => {
      expect(recordings.terminals(name)).toMatchObject([
        { type: "turn.interrupted", by: "host" },
        { type: "turn.completed" },
      ]);
      expect(answered(name)).toMatch(/Fresh\.$/);
    },
  );

  it("ends a silent answer, and a process of its own", () => {
    expect(recordings.terminals("interrupt-hang")).toMatchObject([{ type: "turn.interrupted" }]);
    expect(recordings.terminals("interrupt-turn-mode")).toMatchObject([{ type: "turn.interrupted" }]);
    expect(tools("interrupt-tool")).toMatchObject([{ status: "interrupted" }]);
  });
});

describe("steering", () => {
  it.each(["steer-text", "steer-tool"])("%s is answered within the turn", (name) => {
    const { steps } = recordings.replay(name);
    expect(steps.flatMap((step) => step.responses ?? [])).toEqual([{ id: "host-1" }]);
    expect(recordings.terminals(name)).toMatchObject([{ type: "turn.completed" }]);
    expect(answered(name)).toMatch(/Steered\.$/);
  });

  it("that nobody took up is not said in the next turn", () => {
    expect(answered("steer-interrupt")).not.toContain("Steered");
    expect(recordings.terminals("steer-interrupt")).toMatchObject([
      { type: "turn.interrupted" },
      { type: "turn.completed" },
    ]);
  });
});

describe("a failure", () => {
  it.each([
    ["api-401", "authentication_failed", 401],
    ["api-403", "authentication_failed", 403],
    ["api-404", "model_not_found", 404],
    ["api-400", "agent_error", 400],
    ["api-too-long", "context_too_long", 400],
    ["api-429", "rate_limited", 429],
    ["api-500", "model_error", 500],
    ["turn-mode-401", "authentication_failed", 401],
  ])("%s is %s", (name, code, status) => {
    expect(recordings.terminals(name)).toMatchObject([{ type: "turn.failed", error: { code, status } }]);
  });

  it("of the connection is one of the network", () => {
    expect(recordings.terminals("api-dropped")).toMatchObject([
      { type: "turn.failed", error: { code: "network_error" } },
    ]);
  });

  it.each([
    ["api-429-recovers", "rate_limit"],
    ["api-503", "overload"],
    ["api-dropped-in-text", "network"],
    ["turn-mode-429", "rate_limit"],
  ])("%s that passes is a retry", (name, reason) => {
    expect(eventsOf(recordings.replay(name).events, "agent.retrying")).toMatchObject([
      { attempt: 1, maxAttempts: 2, reason },
    ]);
    expect(recordings.terminals(name)).toMatchObject([{ type: "turn.completed" }]);
    expect(answered(name)).toMatch(/Here it is\.$/);
  });

  it("of the process is told with how it ended", () => {
    expect(recordings.terminals("killed")).toMatchObject([
      { error: { code: "agent_exited", signal: "SIGKILL" } },
    ]);
    expect(recordings.terminals("killed-in-tool")).toMatchObject([{ error: { code: "agent_exited" } }]);
    expect(recordings.terminals("terminated")).toMatchObject([
      { error: { code: "agent_exited", exitCode: 143 } },
    ]);
  });

  it("before the session is ready is an error of the start", () => {
    const [startError] = recordings.replay("start-bad-flag").steps.flatMap((step) => step.startError ?? []);
    expect(startError?.message).toContain("Unknown option: --nonsense");
  });
});

describe("another process", () => {
  it("takes the session up, or copies it", () => {
    const ids = (name: string): readonly unknown[] =>
      eventsOf(recordings.replay(name).events, "session.started").map((event) => event.nativeSessionId);
    expect(new Set(ids("resume")).size).toBe(1);
    expect(new Set(ids("fork")).size).toBe(2);
    for (const name of ["resume", "fork"]) expect(answered(name)).toMatch(/!text One\.$/);
  });

  it.each(["resume-unknown", "resume-prefix", "turn-mode-resume-unknown"])("%s is lost", (name) => {
    const { steps } = recordings.replay(name);
    expect(steps.some((step) => step.resumeLost === true)).toBe(true);
    expect(steps.every((step) => step.startError === undefined)).toBe(true);
  });
});
