import { describe, expect, it } from "vitest";
import { eventsOf, isTerminal, replay, textOf, transcriptNames } from "./replay.ts";

/** What each recording must come to, written by hand: the recorded steps only show that nothing has changed. */
function terminal(name: string, turn = 0): unknown {
  return replay(name).events.filter(isTerminal)[turn];
}

function tools(name: string): readonly unknown[] {
  return eventsOf(replay(name).events, "tool.completed").map(({ status, output, exitCode }) => ({
    status,
    output,
    ...(exitCode === undefined ? {} : { exitCode }),
  }));
}

describe("an answer", () => {
  it("streams, and completes the turn", () => {
    const { events } = replay("text");
    expect(textOf(events, "message.delta")).toBe("Hello, world.\nA second line.");
    expect(eventsOf(events, "message.delta").length).toBeGreaterThan(1);
    expect(terminal("text")).toMatchObject({
      type: "turn.completed",
      stopReason: "end_turn",
      text: "Hello, world.\nA second line.",
      numTurns: 1,
    });
  });

  it("begins with the session's facts, once", () => {
    const { events, steps } = replay("second-turn");
    const [started, ...others] = eventsOf(events, "session.started");
    expect(others).toEqual([]);
    expect(started).toMatchObject({ agent: "claude", resumed: false });
    expect(started!.tools).toContain("Bash");
    // The CLI says "Task" here and "Agent" elsewhere.
    expect(started!.tools).toContain("Agent");
    expect(steps.flatMap((step) => step.nativeSessionId ?? [])).toEqual([started!.nativeSessionId]);
  });

  it("tells thoughts from words", () => {
    const { events } = replay("thinking");
    expect(textOf(events, "reasoning.delta")).toBe("Let me see.");
    expect(textOf(events, "message.delta")).toBe("Seen.");
  });

  it("has cost and usage of its own turn, in a process that sums them up", () => {
    const one = { inputTokens: 10, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 };
    const two = { inputTokens: 20, outputTokens: 7, cacheReadTokens: 0, cacheWriteTokens: 0 };
    expect(terminal("second-turn", 0)).toMatchObject({ usage: one, costUsd: 0.000175 });
    expect(terminal("second-turn", 1)).toMatchObject({ usage: two, costUsd: 0.000165 });
  });

  it("counts what sub-agents use", () => {
    const { events } = replay("subagent");
    const running = eventsOf(events, "usage.updated").at(-2)!.usage;
    expect(terminal("subagent")).toMatchObject({ type: "turn.completed" });
    const { usage } = eventsOf(events, "turn.completed")[0]!;
    expect(usage!.inputTokens).toBeGreaterThan(running.inputTokens);
  });

  it("may end for want of tokens or of will", () => {
    expect(terminal("max-tokens")).toMatchObject({ type: "turn.completed", stopReason: "max_tokens" });
    expect(terminal("refusal")).toMatchObject({ type: "turn.completed", stopReason: "refusal" });
  });

  it("goes on by another model once it is set", () => {
    const { events, steps } = replay("second-turn");
    const updates = eventsOf(events, "session.updated");
    expect(updates).toEqual([{ type: "session.updated", model: "claude-sonnet-4-5" }]);
    expect(steps.flatMap((step) => step.responses ?? [])).toEqual([{ id: "host-1" }]);
  });
});

describe("tools", () => {
  it("have a status, an output and an exit code", () => {
    expect(tools("tool-ok")).toEqual([{ status: "ok", output: "hello", exitCode: 0 }]);
    expect(tools("tool-error")).toEqual([{ status: "error", output: "oops", exitCode: 3 }]);
    expect(tools("tools-in-a-row").map((tool) => (tool as { output: string }).output)).toEqual([
      "one",
      "two",
    ]);
    expect(tools("tools-parallel")).toHaveLength(2);
    expect(tools("tool-unknown")).toEqual([
      { status: "error", output: expect.stringContaining("No such tool") as string },
    ]);
  });

  it("tell what they did to files, as a diff", () => {
    const changes = eventsOf(replay("files").events, "file.changed");
    expect(changes.map(({ change }) => change)).toEqual(["added", "modified", "modified"]);
    expect(changes[0]!.diff).toMatch(
      /^--- \/dev\/null\n\+\+\+ .*notes\.txt\n@@ -0,0 \+1,2 @@\n\+one\n\+two\n$/,
    );
    expect(changes[1]!.diff).toContain("@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
    expect(changes.every(({ path }) => path.endsWith("/workspace/notes.txt"))).toBe(true);
  });

  it("do not carry a whole file with each edit", () => {
    const contents = eventsOf(replay("files").events, "tool.completed").map(({ content }) => content);
    expect(JSON.stringify(contents)).not.toContain("originalFile");
  });

  it("keep the plan", () => {
    expect(eventsOf(replay("plan").events, "plan.updated").at(-1)!.entries).toEqual([
      { content: "Look", status: "completed" },
      { content: "Leap", status: "in_progress" },
    ]);
  });

  it("of sub-agents name the call they belong to, like their words", () => {
    const { events } = replay("subagent");
    const [agent, inner] = eventsOf(events, "tool.started");
    expect(agent).toMatchObject({ name: "Agent", kind: "agent", title: "Look around" });
    expect(inner).toMatchObject({ name: "Bash", parentToolCallId: agent!.toolCallId });
    const said = eventsOf(events, "message.completed").map(({ text, parentToolCallId }) => [
      text,
      parentToolCallId,
    ]);
    expect(said).toEqual([
      ["I look.", agent!.toolCallId],
      ["Nothing there.", agent!.toolCallId],
      ["The sub-agent is back.", undefined],
    ]);
    expect(eventsOf(events, "reasoning.completed")[0]).toMatchObject({ text: "Where am I?" });
  });

  it("of MCP servers are told as such", () => {
    const { events } = replay("mcp");
    expect(eventsOf(events, "session.started")[0]!.mcpServers).toEqual([
      { name: "echo", status: "connected" },
    ]);
    expect(eventsOf(events, "tool.started")[0]).toMatchObject({ kind: "mcp", title: "echo: echo" });
    expect(tools("mcp")).toEqual([{ status: "ok", output: "echo: hi" }]);
  });
});

describe("permissions", () => {
  it("are asked for once per call, also where the CLI would not ask", () => {
    const requests = eventsOf(replay("permission-allow").events, "permission.requested");
    expect(requests.map(({ tool }) => tool.name)).toEqual(["Bash", "Read"]);
    const started = eventsOf(replay("permission-allow").events, "tool.started");
    expect(requests.map(({ tool }) => tool.toolCallId)).toEqual(started.map(({ toolCallId }) => toolCallId));
    expect(tools("permission-allow")).toHaveLength(2);
  });

  it("that are denied keep a call from being made", () => {
    const outputs = tools("permission-deny");
    expect(outputs).toContainEqual({ status: "denied", output: "Not that one." });
    expect(outputs).toContainEqual({ status: "ok", output: "allowed", exitCode: 0 });
  });

  it("may change the input", () => {
    expect(tools("permission-changed")).toEqual([{ status: "ok", output: "after", exitCode: 0 }]);
  });

  it("may be remembered, for the like of a call only", () => {
    const titles = eventsOf(replay("permission-remembered").events, "permission.requested").map(
      ({ tool }) => tool.title,
    );
    expect(titles).toEqual(["echo again", "echo other"]);
    expect(tools("permission-remembered")).toHaveLength(3);
  });

  it("reach into sub-agents", () => {
    const requests = eventsOf(replay("permission-subagent").events, "permission.requested");
    expect(requests.map(({ tool }) => tool.name)).toEqual(["Agent", "Bash"]);
    expect(tools("permission-subagent")[0]).toEqual({ status: "denied", output: "Not in there." });
  });

  it("reach MCP servers", () => {
    const requests = eventsOf(replay("permission-mcp").events, "permission.requested");
    expect(requests).toMatchObject([
      { tool: { name: "mcp__echo__echo", kind: "mcp", input: { text: "hi" } } },
    ]);
    expect(tools("permission-mcp")).toEqual([{ status: "denied", output: "No echo." }]);
  });

  it("cannot be bypassed by a project's settings", () => {
    expect(tools("permission-project-settings")).toEqual([{ status: "denied", output: "No." }]);
  });

  it("are withdrawn when the turn is interrupted", () => {
    const { events } = replay("permission-withdrawn");
    expect(eventsOf(events, "permission.resolved")).toMatchObject([
      { outcome: "cancelled", by: "interrupt" },
    ]);
    expect(tools("permission-withdrawn")).toMatchObject([{ status: "interrupted" }]);
    expect(terminal("permission-withdrawn")).toMatchObject({ type: "turn.interrupted", by: "host" });
  });

  it("are refused altogether", () => {
    expect(tools("deny-all")).toMatchObject([{ status: "denied" }, { status: "denied" }]);
    expect(eventsOf(replay("deny-all").events, "permission.requested")).toEqual([]);
  });

  it("are how a plan is approved", () => {
    const { events } = replay("plan-mode");
    expect(eventsOf(events, "permission.requested")).toMatchObject([{ tool: { name: "ExitPlanMode" } }]);
    expect(eventsOf(events, "session.updated")).toContainEqual({ type: "session.updated", mode: "default" });
  });

  it("never leave a call unasked", () => {
    for (const name of transcriptNames.filter((one) => one.startsWith("permission") || one === "turn-mode")) {
      const notices = eventsOf(replay(name).events, "agent.notice").map(({ message }) => message);
      expect(notices.filter((message) => message.includes("without asking"))).toEqual([]);
    }
  });
});

describe("questions", () => {
  it("are put to the host, who answers", () => {
    const { events } = replay("question");
    expect(eventsOf(events, "question.requested")[0]!.questions).toMatchObject([
      { id: "Which colour?", question: "Which colour?", options: [{ label: "Red" }, { label: "Blue" }] },
    ]);
    expect(eventsOf(events, "permission.requested")).toEqual([]);
    expect(tools("question")).toMatchObject([
      { status: "ok", output: expect.stringContaining("Blue") as string },
    ]);
  });

  it("may be declined", () => {
    expect(tools("question-declined")).toEqual([
      { status: "denied", output: "The user declined to answer." },
    ]);
  });

  it("are not on offer where nobody answers", () => {
    expect(tools("question-nobody")).toMatchObject([{ status: "error" }]);
  });
});

describe("interrupts", () => {
  it.each(["interrupt-text", "interrupt-tool", "interrupt-at-once", "interrupt-hang", "steer-interrupt"])(
    "%s ends the turn as the host's",
    (name) => {
      expect(terminal(name)).toMatchObject({ type: "turn.interrupted", by: "host" });
    },
  );

  it.each(["interrupt-text", "interrupt-tool", "steer-interrupt"])(
    "%s leaves nothing behind for the next turn",
    (name) => {
      const { events } = replay(name);
      const first = events.findIndex(isTerminal);
      expect(textOf(events.slice(first + 1), "message.delta")).toBe("Fresh.");
      expect(terminal(name, 1)).toMatchObject({ type: "turn.completed", text: "Fresh." });
    },
  );

  it("stop a running tool", () => {
    expect(tools("interrupt-tool")).toMatchObject([{ status: "interrupted" }]);
  });

  it("are repeated for a message that was still waiting", () => {
    const asked = replay("steer-interrupt").written.filter((line) => line.includes('"interrupt"'));
    expect(asked).toHaveLength(2);
  });
});

describe("steering", () => {
  it("reaches the running answer", () => {
    expect(terminal("steer-tool")).toMatchObject({ type: "turn.completed", text: "Steered." });
  });

  it("that comes too late for the answer gets another one in the same turn", () => {
    const { events } = replay("steer-text");
    const said = eventsOf(events, "message.completed").map(({ text }) => text);
    expect(said).toEqual([expect.stringContaining("twelve."), "Steered."]);
    expect(events.filter(isTerminal)).toHaveLength(1);
  });
});

describe("failures", () => {
  it.each([
    ["api-401", "authentication_failed", 401, false],
    ["api-403", "authentication_failed", 403, false],
    ["api-404", "model_not_found", 404, false],
    ["api-429", "rate_limited", 429, true],
    ["api-500", "model_error", 500, true],
    ["api-529", "model_overloaded", 529, true],
    ["api-too-long", "context_too_long", 400, false],
    ["api-overloaded-in-text", "model_overloaded", undefined, true],
    ["api-dropped", "network_error", undefined, true],
    ["api-dropped-in-text", "network_error", undefined, true],
    ["max-budget", "budget_exceeded", undefined, false],
    ["killed", "agent_exited", undefined, true],
    ["terminated", "agent_exited", undefined, true],
  ])("%s is %s", (name, code, status, retryable) => {
    expect(terminal(name)).toMatchObject({
      type: "turn.failed",
      error: { code, retryable, ...(status === undefined ? {} : { status }) },
    });
  });

  it("are no words of the agent", () => {
    expect(eventsOf(replay("api-500").events, "message.completed")).toEqual([]);
  });

  it("that the CLI gets over are told", () => {
    const { events } = replay("api-429-recovers");
    expect(eventsOf(events, "agent.retrying")).toMatchObject([
      { attempt: 1, maxAttempts: 2, status: 429, reason: "rate_limit" },
    ]);
    expect(terminal("api-429-recovers")).toMatchObject({ type: "turn.completed", text: "Better now." });
  });

  it.each([
    ["api-401", "authentication"],
    ["api-500", "server"],
    ["api-529", "overload"],
    ["api-dropped", "network"],
  ])("%s are retried because of %s", (name, reason) => {
    expect(eventsOf(replay(name).events, "agent.retrying").map((event) => event.reason)).toContain(reason);
  });

  it("of a limit on rounds are none", () => {
    expect(terminal("max-turns")).toMatchObject({ type: "turn.completed", stopReason: "max_turns" });
  });

  it("to start say why", () => {
    expect(replay("start-bad-flag").steps.at(-1)!.startError).toMatchObject({
      code: "session_start_failed",
      message: expect.stringContaining("--no-such-flag") as string,
    });
    expect(replay("start-root").steps.at(-1)!.startError).toMatchObject({
      code: "session_start_failed",
      message: expect.stringContaining("IS_SANDBOX") as string,
    });
  });
});

describe("processes", () => {
  it("take sessions up", () => {
    expect(terminal("resume", 1)).toMatchObject({ text: expect.stringContaining("!text One.") as string });
    expect(terminal("turn-mode", 1)).toMatchObject({ text: expect.stringContaining("!shell ls") as string });
    // A new process counts from nothing again.
    expect(terminal("resume", 1)).toMatchObject({ costUsd: 0.000125 });
  });

  it("take up copies of sessions, under another id", () => {
    const ids = replay("fork").steps.flatMap((step) => step.nativeSessionId ?? []);
    expect(new Set(ids).size).toBe(2);
    expect(terminal("fork", 1)).toMatchObject({ text: expect.stringContaining("!text One.") as string });
  });

  it("say when there is no session to take up, and nothing else", () => {
    const { steps } = replay("resume-unknown");
    expect(steps.filter((step) => step.resumeLost === true)).toHaveLength(1);
    expect(steps.some((step) => step.startError !== undefined)).toBe(false);
    expect(terminal("resume-unknown")).toMatchObject({ type: "turn.completed", text: "Fresh." });
  });

  it("of one turn close their input behind its result", () => {
    const closing = replay("turn-mode").steps.filter((step) => step.closeStdin === true);
    expect(closing).toHaveLength(2);
    expect(closing.every((step) => step.events?.some(isTerminal))).toBe(true);
    expect(replay("resume").steps.some((step) => step.closeStdin === true)).toBe(false);
  });

  it("of one turn ask for permission too", () => {
    expect(eventsOf(replay("turn-mode").events, "permission.requested")).toHaveLength(1);
  });
});

describe("the conversation", () => {
  it("may be compacted", () => {
    expect(eventsOf(replay("compaction").events, "context.compacted")).toMatchObject([{ trigger: "manual" }]);
    expect(terminal("compaction", 3)).toMatchObject({ text: "Three." });
  });

  it("keeps what is said of a background task out of the turn that waits", () => {
    const { events, background } = replay("background-task");
    expect(terminal("background-task", 1)).toMatchObject({
      text: "The next answer, in quite some words, so that it takes its time.",
    });
    const second = events.slice(events.findIndex(isTerminal) + 1);
    expect(textOf(second, "message.delta")).toBe(
      "The next answer, in quite some words, so that it takes its time.",
    );
    expect(textOf(background, "message.delta")).toBe("It runs.");
    expect(eventsOf(background, "agent.notice")[0]!.message).toContain("completed");
  });
});
