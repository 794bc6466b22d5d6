import { describe, expect, it } from "vitest";
import { gemini } from "../../../../backends/gemini/index.ts";
import { describeRecordings } from "../describe-recordings.ts";
import { eventsOf, Recordings, textOf } from "../replay.ts";

const recordings = new Recordings("gemini", gemini);

describeRecordings(recordings);

function tools(name: string): readonly unknown[] {
  return eventsOf(recordings.replay(name).events, "tool.completed").map(({ status, output, exitCode }) => ({
    status,
    output,
    ...(exitCode === undefined ? {} : { exitCode }),
  }));
}

describe("an answer", () => {
  it("streams, and completes the turn with what it has used", () => {
    expect(textOf(recordings.replay("text").events, "message.delta")).toBe("Hello there.");
    expect(recordings.terminals("text")).toEqual([
      {
        ...{ type: "turn.completed", stopReason: "end_turn", text: "Hello there." },
        usage: { inputTokens: 5, outputTokens: 3 },
      },
    ]);
    expect(recordings.terminals("usage")).toMatchObject([{ usage: { inputTokens: 120, outputTokens: 15 } }]);
  });

  it("tells thoughts, each by itself, from words", () => {
    const { events } = recordings.replay("reasoning");
    expect(eventsOf(events, "reasoning.completed").map(({ text }) => text)).toEqual([
      "First this.",
      "Then that.",
    ]);
    expect(recordings.texts("reasoning")).toEqual(["So it is."]);
  });

  it("begins with the session, once, and remembers", () => {
    const { events, background } = recordings.replay("second-turn");
    expect(eventsOf([...events, ...background], "session.started")).toMatchObject([
      {
        agent: "gemini",
        model: "gemini-2.5-flash",
        resumed: false,
        nativeSessionId: expect.any(String) as string,
      },
    ]);
    expect(recordings.texts("second-turn")).toEqual(["One.", "1. !text One."]);
  });

  it("is given by the model that was set", () => {
    const { steps, written } = recordings.replay("models");
    expect(steps.flatMap(({ responses = [] }) => responses)).toMatchObject([
      {
        id: "list",
        models: expect.arrayContaining([{ id: "gemini-2.5-pro", name: "gemini-2.5-pro" }]) as unknown,
      },
      { id: "set" },
    ]);
    expect(written.some((line) => line.includes('"modelId":"gemini-2.5-pro"'))).toBe(true);
  });

  it("that is cut short or refused the CLI tells like another", () => {
    for (const name of ["max-tokens", "refusal"])
      expect(recordings.terminals(name)).toMatchObject([{ stopReason: "end_turn" }]);
  });
});

describe("a tool call", () => {
  it("is told with its output; how a command ended, only where it printed nothing", () => {
    expect(tools("tool-ok")).toEqual([{ status: "ok", output: "one" }]);
    expect(tools("tool-failed")).toEqual([
      { status: "error", output: "Command exited with code: 3", exitCode: 3 },
    ]);
    expect(tools("tool-failed-loudly")).toMatchObject([{ status: "ok" }]);
    expect(tools("tool-blocked")).toMatchObject([{ status: "error" }]);
  });

  it("is kept apart from others of the same answer", () => {
    expect(tools("tools-parallel")).toMatchObject([
      { output: "one" },
      { output: "two" },
      { output: "three" },
    ]);
  });

  it("tells what became of files, with diffs", () => {
    const changes = eventsOf(recordings.replay("files").events, "file.changed");
    expect(changes.map(({ change, path }) => [change, path.split("/").at(-1)])).toEqual([
      ["added", "notes.txt"],
      ["modified", "notes.txt"],
    ]);
    expect(changes[1]?.diff).toContain("-Hello\n");
    expect(changes[1]?.diff).toContain("+Goodbye\n");
    expect(tools("files").at(-1)).toMatchObject({ status: "error" });
  });

  it.each(["mcp", "turn-mcp"])("%s is one of an MCP server", (name) => {
    expect(eventsOf(recordings.replay(name).events, "tool.started")).toMatchObject([
      { name: "mcp_echo_echo", kind: "mcp", input: { text: "hi" } },
    ]);
    expect(tools(name)).toEqual([{ status: "ok", output: "echo: hi" }]);
  });

  it("changes nothing while the session plans", () => {
    expect(tools("plan-mode")).toMatchObject([{ status: "ok" }, { status: "error" }]);
    expect(eventsOf(recordings.replay("plan-mode").events, "file.changed")).toEqual([]);
  });
});

describe("permissions", () => {
  const asked = (name: string): readonly unknown[] =>
    eventsOf(recordings.replay(name).events, "permission.requested").map(({ tool }) => [
      tool.name,
      tool.kind,
    ]);

  it("are asked for every call, also for those that only look", () => {
    expect(asked("permission-allow")).toEqual([
      ["run_shell_command", "execute"],
      ["list_directory", "read"],
      ["write_file", "edit"],
    ]);
    expect(tools("permission-allow")).toMatchObject([{ status: "ok" }, { status: "ok" }, { status: "ok" }]);
  });

  it("are asked also where the project would allow everything", () => {
    expect(asked("permission-project-settings")).toEqual([["run_shell_command", "execute"]]);
  });

  it("hold a call back", () => {
    const denied = { status: "denied", output: "Not that one." };
    expect(tools("permission-deny")).toEqual([denied, denied, { status: "ok", output: "allowed" }]);
    expect(asked("permission-mcp")).toEqual([
      ["mcp_echo_echo", "mcp"],
      ["mcp_echo_echo", "mcp"],
    ]);
    expect(tools("permission-mcp")).toEqual([{ status: "ok", output: "echo: one" }, denied]);
  });

  it("are withdrawn by an interruption", () => {
    const { events } = recordings.replay("permission-withdrawn");
    expect(eventsOf(events, "permission.resolved")).toMatchObject([
      { outcome: "cancelled", by: "interrupt" },
    ]);
    expect(tools("permission-withdrawn")).toEqual([{ status: "interrupted", output: "" }]);
    expect(recordings.terminals("permission-withdrawn")).toMatchObject([
      { type: "turn.interrupted" },
      { type: "turn.completed" },
    ]);
  });

  it("come with no server that the project's settings could have added to", () => {
    const [startError] = recordings
      .replay("permission-untrusted-mcp")
      .steps.flatMap((step) => step.startError ?? []);
    expect(startError?.message).toContain("trust the project by the option trustProject");
  });

  it("let nothing be done where all is denied", () => {
    expect(tools("deny-all")).toEqual([]);
    expect(tools("turn-deny-all")).toMatchObject([{ status: "denied" }]);
    expect(tools("sub-agent")).toEqual([]);
  });
});

describe("an interruption", () => {
  it.each(["interrupt-text", "interrupt-tool", "interrupt-at-once"])(
    "%s is followed by a good turn",
    (name) => {
      expect(recordings.terminals(name)).toMatchObject([
        { type: "turn.interrupted", by: "host" },
        { type: "turn.completed" },
      ]);
      expect(recordings.texts(name).at(-1)).toBe("Fresh.");
    },
  );

  it("ends a silent answer, and a process of its own", () => {
    expect(recordings.terminals("interrupt-hang")).toMatchObject([{ type: "turn.interrupted" }]);
    expect(recordings.terminals("turn-interrupted")).toMatchObject([{ type: "turn.interrupted" }]);
    expect(tools("interrupt-tool")).toMatchObject([{ status: "interrupted" }]);
  });
});

describe("a failure", () => {
  it.each([
    ["api-400", "agent_error", 400],
    ["api-401", "authentication_failed", 401],
    ["api-403", "authentication_failed", 403],
    ["api-404", "model_not_found", 404],
    ["api-bad-key", "authentication_failed", 400],
    ["api-too-long", "context_too_long", 400],
    ["api-429", "rate_limited", 429],
    ["api-500", "model_error", 500],
    ["api-503", "model_overloaded", 503],
    ["turn-401", "authentication_failed", 401],
    ["turn-404", "model_not_found", 404],
    ["turn-429", "rate_limited", 429],
    ["turn-500", "model_error", 500],
  ])("%s is %s", (name, code, status) => {
    expect(recordings.terminals(name)).toMatchObject([{ type: "turn.failed", error: { code, status } }]);
  });

  it.each([
    ["api-dropped-in-text", "network_error"],
    ["turn-dropped-in-text", "network_error"],
    ["api-503-in-text-at-once", "model_overloaded"],
  ])("%s leaves what was said, once", (name, code) => {
    expect(recordings.texts(name)).toEqual(["Now it"]);
    expect(textOf(recordings.replay(name).events, "message.delta")).toBe("Now it");
    expect(recordings.terminals(name)).toMatchObject([
      { type: "turn.failed", error: { code, retryable: true } },
    ]);
  });

  it.each(["api-503-in-text", "turn-503-in-text"])(
    "%s is not told: nothing sets it apart from a model that says the same twice",
    (name) => {
      const lines = recordings
        .transcript(name)
        .entries.flatMap(({ call }) => (call.call === "push" ? [call.line] : []));
      const signs = lines.filter(
        (line) => !line.includes("!status") && /retry|attempt|overloaded/i.test(line),
      );
      expect(signs).toEqual([]);
      expect(recordings.texts(name)).toEqual(["Now itNow itHere it is."]);
      expect(recordings.terminals(name)).toMatchObject([{ type: "turn.completed" }]);
      expect(eventsOf(recordings.replay(name).events, "agent.retrying")).toEqual([]);
    },
  );

  it("that is an answer which cannot be used is told in one shot only", () => {
    expect(recordings.terminals("api-malformed")).toMatchObject([
      { type: "turn.completed", stopReason: "end_turn" },
    ]);
    const message = "Model stream ended with malformed function call.";
    expect(recordings.terminals("turn-malformed")).toMatchObject([
      { type: "turn.failed", error: { code: "model_error", message, retryable: true } },
    ]);
  });

  it.each(["api-dropped", "turn-dropped"])("%s is one of the network", (name) => {
    expect(recordings.terminals(name)).toMatchObject([
      { type: "turn.failed", error: { code: "network_error" } },
    ]);
  });

  it("that passes is none, and the session goes on after one", () => {
    expect(recordings.texts("api-429-recovers")).toEqual(["Here it is."]);
    expect(recordings.texts("api-recovers")).toEqual(["One.", "1. !text One."]);
  });

  it.each([
    ["killed", { signal: "SIGKILL" }, "Gemini CLI ended in the middle of the turn, by SIGKILL."],
    ["terminated", { exitCode: 0 }, "Gemini CLI ended in the middle of the turn, with exit code 0."],
    ["turn-killed", { signal: "SIGKILL" }, "Gemini CLI ended in the middle of the turn, by SIGKILL."],
  ])("%s tells how the process ended, and not what it says each time", (name, exit, message) => {
    expect(recordings.terminals(name)).toMatchObject([{ error: { code: "agent_exited", message, ...exit } }]);
  });

  it("for want of a key says what to do", () => {
    const [startError] = recordings.replay("start-no-key").steps.flatMap((step) => step.startError ?? []);
    expect(startError).toMatchObject({ code: "authentication_failed" });
    expect(startError?.message).toContain("Set GEMINI_API_KEY");
    expect(recordings.terminals("turn-no-key")).toMatchObject([
      {
        error: {
          code: "authentication_failed",
          message: expect.stringContaining("GEMINI_API_KEY") as string,
        },
      },
    ]);
  });

  it("before the session is ready is an error of the start", () => {
    const [startError] = recordings.replay("start-bad-flag").steps.flatMap((step) => step.startError ?? []);
    expect(startError).toMatchObject({ code: "session_start_failed", exitCode: 1 });
    expect(startError?.stderr).toContain("Unknown argument: nonsense");
  });
});

describe("another process", () => {
  it("takes the session up, and tells nothing of it again", () => {
    const { events, background } = recordings.replay("resume");
    const started = eventsOf([...events, ...background], "session.started");
    expect(new Set(started.map(({ nativeSessionId }) => nativeSessionId)).size).toBe(1);
    expect(recordings.texts("resume")[0]).toBe("One.");
    expect(recordings.texts("resume").slice(1)).toEqual([
      "1. !think Hm.\n!text One.",
      "1. !think Hm.\n!text One.\n\n2. !recall",
    ]);
    expect(recordings.texts("turn-resume")).toEqual(["One.", "1. !text One."]);
  });

  it.each(["resume-unknown", "turn-resume-unknown"])("%s: a session that is not there is lost", (name) => {
    const { steps } = recordings.replay(name);
    expect(steps.some(({ resumeLost }) => resumeLost === true)).toBe(true);
    expect(steps.every(({ startError }) => startError === undefined)).toBe(true);
  });
});

describe("one shot", () => {
  it("tells commands, a file and a tool that is not there", () => {
    expect(tools("turn-tools")).toMatchObject([
      { status: "ok", output: "one" },
      { status: "error", exitCode: 3 },
      { status: "ok" },
      { status: "error", output: "File not found." },
      { status: "error" },
    ]);
    expect(recordings.texts("turn-text")).toEqual(["Hello there."]);
  });
});
