import { describe, expect, it } from "vitest";
import type { AgentEventBody, ErrorCode } from "../../../../src/kit.ts";
import { describeRecordings } from "../describe-recordings.ts";
import { eventsOf, isTerminal, ofType, recordings, replay, transcript } from "./transcripts.ts";

describeRecordings(recordings, {
  unfinishedTools: ["exec-interrupted", "interrupt-tool", "permission-withdrawn"],
});

function terminal(name: string, turn = 0): AgentEventBody | undefined {
  return eventsOf(name).filter(isTerminal)[turn];
}

describe("what the recordings show", () => {
  it("tells a command that fails from one that succeeds", () => {
    expect(ofType(eventsOf("tool-ok"), "tool.completed")).toMatchObject([
      { status: "ok", output: "hello\n", exitCode: 0 },
    ]);
    expect(ofType(eventsOf("tool-error"), "tool.completed")).toMatchObject([
      { status: "error", output: "oops\n", exitCode: 3 },
    ]);
  });

  it("takes the completed item for the truth where deltas were lost", () => {
    const events = eventsOf("tool-streamed");
    expect(
      ofType(events, "tool.delta")
        .map(({ output }) => output)
        .join(""),
    ).toBe("two\n");
    expect(ofType(events, "tool.completed")).toMatchObject([{ output: "one\ntwo\n" }]);
  });

  it("runs two calls at once", () => {
    const types = eventsOf("tools-parallel").map(({ type }) => type);
    expect(types.indexOf("tool.completed")).toBeGreaterThan(types.lastIndexOf("tool.started"));
  });

  it("tells what became of files, with diffs", () => {
    const changes = ofType(eventsOf("files"), "file.changed");
    expect(changes.map(({ change, path }) => [change, path.split("/").at(-1)])).toEqual([
      ["added", "notes.txt"],
      ["modified", "notes.txt"],
      ["deleted", "notes.txt"],
      ["added", "moved.txt"],
      ["deleted", "moved.txt"],
    ]);
    expect(changes[0]?.diff).toMatch(
      /^--- \/dev\/null\n\+\+\+ .*notes\.txt\n@@ -0,0 \+1,2 @@\n\+one\n\+two\n$/,
    );
    expect(changes[1]?.diff).toContain("-two\n+2");
    expect(changes[4]?.diff).toMatch(/@@ -1,2 \+0,0 @@\n-one\n-zwei\n$/);
  });

  it("gives a plan and its progress", () => {
    expect(
      ofType(eventsOf("plan"), "plan.updated").map(({ entries }) => entries.map(({ status }) => status)),
    ).toEqual([
      ["in_progress", "pending"],
      ["completed", "in_progress"],
    ]);
    expect(ofType(eventsOf("exec-plan"), "plan.updated")).toHaveLength(1);
  });

  it("puts what a sub-agent does below the call that began it", () => {
    const events = eventsOf("sub-agent");
    const [spawn, shell] = ofType(events, "tool.started");
    expect(spawn).toMatchObject({ name: "spawnAgent", kind: "agent" });
    expect(shell).toMatchObject({ name: "shell", parentToolCallId: spawn?.toolCallId });
    const messages = ofType(events, "message.completed");
    expect(messages[0]).toMatchObject({ text: "Nothing there.", parentToolCallId: spawn?.toolCallId });
    expect(messages.at(-1)).not.toHaveProperty("parentToolCallId");
  });

  it("counts a sub-agent's tokens into the turn", () => {
    const [completed] = ofType(eventsOf("sub-agent"), "turn.completed");
    // Three requests of 28 and two of 10 tokens.
    expect(completed?.usage).toMatchObject({ inputTokens: 104 });
    expect(completed?.numTurns).toBe(5);
  });

  it.each(["second-turn", "resume", "fork", "exec-resume"])("%s: counts each turn's tokens alone", (name) => {
    const turns = ofType(eventsOf(name), "turn.completed").map(({ usage }) => usage);
    const first = name === "second-turn" ? { inputTokens: 10, cacheReadTokens: 4 } : { inputTokens: 10 };
    expect(turns).toMatchObject([
      { ...first, outputTokens: 5 },
      { inputTokens: 20, outputTokens: 7 },
    ]);
  });

  it("leaves the usage out where nothing tells it", () => {
    expect(terminal("exec-fork", 1)).toEqual({ type: "turn.completed", stopReason: "end_turn" });
  });

  it("remembers the conversation in another process", () => {
    for (const name of ["resume", "fork", "exec-resume", "exec-fork"]) {
      expect(ofType(eventsOf(name), "message.completed").at(-1)?.text).toContain("One.");
    }
    const [started, again] = ofType(eventsOf("resume", true), "session.started");
    expect(again).toMatchObject({ nativeSessionId: started?.nativeSessionId, resumed: true });
    const [origin, fork] = ofType(eventsOf("fork", true), "session.started");
    expect(fork?.nativeSessionId).not.toBe(origin?.nativeSessionId);
  });

  it.each(["resume-unknown", "resume-nonsense", "exec-resume-unknown", "exec-resume-nonsense"])(
    "%s: says that the session is lost, and tells nothing of another one",
    (name) => {
      const steps = replay(transcript(name));
      expect(steps.filter((step) => step.resumeLost === true)).toHaveLength(1);
      expect(steps.filter((step) => step.startError !== undefined)).toEqual([]);
      expect(eventsOf(name, true).filter(({ type }) => type !== "turn.failed")).toEqual([]);
    },
  );

  it.each<[string, ErrorCode, boolean, number | undefined]>([
    ["api-401", "authentication_failed", false, 401],
    ["api-403", "authentication_failed", false, 403],
    ["api-404", "model_not_found", false, 404],
    ["api-400", "agent_error", false, undefined],
    ["api-429", "rate_limited", true, 429],
    ["api-429-once", "rate_limited", true, 429],
    ["api-500", "model_error", true, undefined],
    ["api-503", "model_overloaded", true, undefined],
    ["api-dropped", "network_error", true, undefined],
    ["api-unreachable", "network_error", true, undefined],
    ["exec-error", "model_error", true, undefined],
    ["exec-429", "rate_limited", true, 429],
    ["killed", "agent_exited", true, undefined],
  ])("%s: fails with %s", (name, code, retryable, status) => {
    const event = terminal(name);
    expect(event).toMatchObject({ type: "turn.failed", error: { code, retryable } });
    expect(event?.type === "turn.failed" ? event.error.status : undefined).toBe(status);
  });

  it.each([
    ["api-429-recovers", "rate_limit"],
    ["api-dropped-in-text", "network"],
    ["exec-retry", "network"],
    ["api-500", "server"],
    ["api-unreachable", "network"],
    ["api-401", "authentication"],
  ])("%s: tells that Codex tries again because of %s", (name, reason) => {
    expect(ofType(eventsOf(name), "agent.retrying")).toMatchObject([{ attempt: 1, maxAttempts: 1, reason }]);
  });

  it.each(["api-429-recovers", "api-500-recovers", "api-dropped-in-text", "exec-retry"])(
    "%s: goes on in the end",
    (name) => {
      expect(terminal(name)?.type).toBe("turn.completed");
      expect(ofType(eventsOf(name), "message.completed").at(-1)?.text).toBe("Here it is.");
    },
  );

  it.each(["start-bad-flag", "start-bad-config"])("%s: says why it cannot start", (name) => {
    const [error] = replay(transcript(name)).flatMap((step) => step.startError ?? []);
    expect(error).toMatchObject({ code: "session_start_failed", retryable: false });
    expect(error?.message).toContain("nonsense");
  });
});

describe("interrupts", () => {
  it.each(["interrupt-text", "interrupt-tool", "interrupt-at-once"])(
    "%s: is the host's, and the next turn is clean",
    (name) => {
      expect(terminal(name)).toMatchObject({ type: "turn.interrupted", by: "host" });
      expect(terminal(name, 1)).toMatchObject({ type: "turn.completed" });
      const events = eventsOf(name);
      const next = events.slice(events.findIndex(isTerminal) + 1);
      expect(ofType(next, "message.completed").map(({ text }) => text)).toEqual(["Fresh."]);
      expect(ofType(next, "tool.completed")).toEqual([]);
    },
  );

  it("ends the command that an interrupted turn leaves running", () => {
    const writes = replay(transcript("interrupt-tool")).flatMap((step) => step.write ?? []);
    const methods = writes.map((line) => (JSON.parse(line) as { method?: string }).method);
    expect(methods).toContain("thread/backgroundTerminals/terminate");
    const lines = transcript("interrupt-tool").entries.flatMap(({ call }) =>
      call.call === "push" ? [call.line] : [],
    );
    expect(lines.some((line) => line.includes('"terminated":true'))).toBe(true);
  });

  it("lets a command go on that the agent put into the background", () => {
    const writes = replay(transcript("background-command")).flatMap((step) => step.write ?? []);
    expect(writes.filter((line) => line.includes("backgroundTerminals"))).toEqual([]);
    expect(ofType(eventsOf("background-command"), "tool.completed")).toMatchObject([{ status: "ok" }]);
    expect(
      ofType(eventsOf("background-command", true), "agent.notice").map(({ message }) => message),
    ).toContain("A command in the background ended with code 4: sleep 1; echo late; exit 4");
  });

  it("records a signalled exec as interrupted", () => {
    expect(terminal("exec-interrupted")).toEqual({ type: "turn.interrupted", by: "host" });
  });

  it("gives a message to a running turn", () => {
    const steps = replay(transcript("steer-text"));
    expect(steps.flatMap((step) => step.responses ?? [])).toEqual([{ id: "host-1" }]);
    expect(ofType(eventsOf("steer-text"), "message.completed").at(-1)?.text).toBe("Steered.");
  });
});

describe("permissions", () => {
  it("asks for every call, also for those that only look", () => {
    const asked = ofType(eventsOf("permission-allow"), "permission.requested");
    expect(asked.map(({ tool }) => [tool.name, tool.kind])).toEqual([
      ["shell", "execute"],
      ["shell", "execute"],
      ["apply_patch", "edit"],
    ]);
    expect(asked.map(({ tool }) => tool.input["command"])).toEqual(["ls", "cat /etc/hostname", undefined]);
    expect(asked[2]?.tool.input["changes"]).toMatchObject([{ kind: { type: "add" } }]);
  });

  it("denies a call and goes on with the turn", () => {
    expect(ofType(eventsOf("permission-deny"), "tool.completed").map(({ status }) => status)).toEqual([
      "denied",
      "denied",
      "ok",
    ]);
    expect(ofType(eventsOf("permission-deny"), "file.changed")).toEqual([]);
    expect(ofType(eventsOf("permission-mcp"), "tool.completed").map(({ status }) => status)).toEqual([
      "ok",
      "denied",
    ]);
    expect(ofType(eventsOf("permission-mcp"), "permission.requested").map(({ tool }) => tool)).toMatchObject([
      { name: "mcp__echo__echo", kind: "mcp", input: { text: "one" } },
      { name: "mcp__echo__echo", kind: "mcp", input: { text: "two" } },
    ]);
  });

  it("remembers what was allowed for the session", () => {
    const events = eventsOf("permission-remembered");
    expect(ofType(events, "tool.completed")).toHaveLength(3);
    expect(ofType(events, "permission.requested").map(({ tool }) => tool.input["command"])).toEqual([
      "echo again",
      "echo other",
    ]);
  });

  it("refuses tools that know no approval", () => {
    const events = eventsOf("permission-gate");
    expect(ofType(events, "permission.requested")).toEqual([]);
    expect(ofType(events, "tool.completed").map(({ status }) => status)).toEqual(["denied"]);
    expect(ofType(events, "tool.started").map(({ name }) => name)).toEqual(["list_mcp_resources"]);
  });

  it("does not let the project's own settings loosen anything", () => {
    const [completed] = ofType(eventsOf("permission-project-settings"), "tool.completed");
    expect(ofType(eventsOf("permission-project-settings"), "permission.requested")).toHaveLength(1);
    // The server that the project would start leaves a file, which `ls` does not show.
    expect(completed?.output).toBe("AGENTS.md\n");
  });

  it.each(["deny-all", "deny-all-plain", "exec-deny-all"])("%s: runs nothing", (name) => {
    const events = eventsOf(name);
    expect(ofType(events, "tool.completed").filter(({ status }) => status !== "denied")).toEqual([]);
    expect(ofType(events, "file.changed")).toEqual([]);
    expect(terminal(name)?.type).toBe("turn.completed");
  });

  it("puts questions to the host, and takes its silence", () => {
    expect(ofType(eventsOf("question"), "question.requested")).toMatchObject([
      {
        questions: [
          { id: "choice", question: "Which colour?", options: [{ label: "Red" }, { label: "Blue" }] },
        ],
      },
    ]);
    expect(terminal("question-declined")?.type).toBe("turn.completed");
  });
});
