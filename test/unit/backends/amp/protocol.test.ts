import { describe, expect, it } from "vitest";
import { amp } from "../../../../backends/amp/index.ts";
import { parseJson } from "../../../../src/kit.ts";
import { eventsOf, isTerminal } from "../replay.ts";
import { lines, play, protocolInput, running, text, threadId, toolUse, usage } from "./lines.ts";

describe("a turn", () => {
  it("writes the prompt as one line, with its images, and closes the input", () => {
    const protocol = amp().protocol(protocolInput);
    expect(protocol.open({})).toEqual({ ready: true });
    const { write, closeStdin } = protocol.prompt({
      turnId: "turn-1",
      content: [
        { type: "text", text: " Hello\n" },
        { type: "image", mediaType: "image/png", data: Uint8Array.of(1, 2, 3) },
      ],
    });
    expect(closeStdin).toBe(true);
    expect(write?.map(parseJson)).toEqual([
      {
        type: "user",
        message: {
          role: "user",
          content: [
            { type: "text", text: " Hello\n" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AQID" } },
          ],
        },
      },
    ]);
  });

  it("reads what the documentation shows", () => {
    const protocol = running();
    expect(protocol.push(lines.init({ tools: ["oracle", "Bash"] }))).toMatchObject({
      nativeSessionId: threadId,
      events: [
        {
          type: "session.started",
          agent: "amp",
          nativeSessionId: threadId,
          cwd: "/workspace",
          tools: ["oracle", "Bash"],
          resumed: false,
        },
      ],
    });
    expect(play(protocol, lines.echo("what is 2+2?"))).toEqual([]);
    expect(
      play(protocol, lines.said([text("2 + 2 equals 4.")], { usage: usage(12_783, 8, 12_416, 367) })),
    ).toEqual([
      { type: "message.completed", messageId: "message-1", text: "2 + 2 equals 4." },
      {
        type: "usage.updated",
        usage: { inputTokens: 12_783, outputTokens: 8, cacheReadTokens: 12_416, cacheWriteTokens: 367 },
      },
    ]);
    expect(play(protocol, lines.success("2 + 2 equals 4."))).toEqual([
      {
        type: "turn.completed",
        stopReason: "end_turn",
        usage: { inputTokens: 12_783, outputTokens: 8, cacheReadTokens: 12_416, cacheWriteTokens: 367 },
        numTurns: 1,
      },
    ]);
    expect(protocol.end({ code: 0, signal: null, stderr: "" })).toEqual({});
  });

  it("adds up the usage of its requests, each message's once", () => {
    const events = play(
      running(),
      lines.said([text("a")], { id: "msg_1", usage: usage(10, 1) }),
      lines.said([text("b")], { id: "msg_1", usage: usage(10, 3) }),
      lines.said([text("c")], { usage: usage(20, 5, 7) }),
      lines.said([text("d")], { usage: usage(20, 5) }),
      lines.success(),
    );
    expect(events.at(-1)).toMatchObject({
      usage: { inputTokens: 50, outputTokens: 13, cacheReadTokens: 7 },
      numTurns: 3,
    });
  });

  it("takes the result's usage where no message told any", () => {
    const events = play(running(), lines.said([text("a")]), lines.success("a", { usage: usage(5, 2) }));
    expect(events.at(-1)).toMatchObject({ usage: { inputTokens: 5, outputTokens: 2 } });
  });

  it("counts anew in the next process, and does not begin the session again", () => {
    const protocol = running();
    play(protocol, lines.init(), lines.said([text("a")], { usage: usage(10, 1) }), lines.success());
    protocol.end({ code: 0, signal: null, stderr: "" });
    protocol.open({ resume: { nativeSessionId: threadId, fork: false } });
    protocol.prompt({ turnId: "turn-2", content: [{ type: "text", text: "Again" }] });
    const events = play(
      protocol,
      lines.init(),
      lines.said([text("b")], { usage: usage(20, 2) }),
      lines.success(),
    );
    expect(eventsOf(events, "session.started")).toEqual([]);
    expect(eventsOf(events, "message.completed")).toMatchObject([{ messageId: "message-2" }]);
    expect(events.at(-1)).toMatchObject({ usage: { inputTokens: 20, outputTokens: 2 } });
  });

  it("tells reasoning, and sub-agents as such", () => {
    const events = play(
      running(),
      lines.said([{ type: "thinking", thinking: "Hm." }, { type: "redacted_thinking", data: "x" }, text("")]),
      lines.said([toolUse("task-1", "Task", { description: "Look", prompt: "Look around" })]),
      lines.said([text("Looking"), toolUse("read-1", "Read", { path: "/workspace/a" })], {}, "task-1"),
      lines.toolResult("read-1", "one", false, "task-1"),
    );
    expect(events).toMatchObject([
      { type: "reasoning.completed", text: "Hm." },
      { type: "tool.started", toolCallId: "task-1", kind: "agent", title: "Look" },
      { type: "message.completed", text: "Looking", parentToolCallId: "task-1" },
      { type: "tool.started", toolCallId: "read-1", kind: "read", parentToolCallId: "task-1" },
      { type: "tool.completed", toolCallId: "read-1", status: "ok", output: "one" },
    ]);
  });

  it.each([
    ["max_tokens", "max_tokens"],
    ["refusal", "refusal"],
    [null, "end_turn"],
    ["pause_turn", "other"],
  ])("stops with %s for the reason %s", (reason, stopReason) => {
    const events = play(running(), lines.said([text("a")], { stop_reason: reason }), lines.success());
    expect(events.at(-1)).toMatchObject({ type: "turn.completed", stopReason });
  });
});

describe("tool calls", () => {
  it("tell what a command printed, and how it ended", () => {
    const events = play(
      running(),
      lines.said([
        toolUse("b-1", "Bash", { cmd: "ls\npwd" }),
        toolUse("b-2", "shell_command", { command: "false" }),
      ]),
      lines.toolResult("b-1", JSON.stringify({ output: "a.txt\n", exitCode: 0 })),
      lines.toolResult("b-2", JSON.stringify({ output: "", exitCode: 1 })),
    );
    expect(events).toMatchObject([
      { type: "tool.started", name: "Bash", kind: "execute", title: "ls", input: { cmd: "ls\npwd" } },
      { type: "tool.started", name: "shell_command", kind: "execute", title: "false" },
      { type: "tool.completed", toolCallId: "b-1", status: "ok", output: "a.txt\n", exitCode: 0 },
      { type: "tool.completed", toolCallId: "b-2", status: "error", output: "", exitCode: 1 },
    ]);
  });

  it("tell why a command was stopped", () => {
    const events = play(
      running(),
      lines.said([toolUse("b-1", "shell_command", { command: "sleep 60", timeout_ms: 1000 })]),
      lines.toolResult(
        "b-1",
        JSON.stringify({ output: "", exitCode: -1, stopCode: "stop-timeout", stopReason: "Amp stopped it." }),
      ),
    );
    expect(events.at(-1)).toEqual({
      type: "tool.completed",
      toolCallId: "b-1",
      status: "error",
      output: "Amp stopped it.",
      content: { output: "", exitCode: -1, stopCode: "stop-timeout", stopReason: "Amp stopped it." },
    });
  });

  it.each([
    ["Tool rejected by plugin: Rejected by user permissions rule 0: reject '*'", false, "denied"],
    ["Tool execution rejected by user: User declined permission", true, "denied"],
    ["Tool execution cancelled: Unknown reason", true, "interrupted"],
    ['tool "edit_file" not found', true, "error"],
  ])("that were answered with %j tell so, and change no file", (content, isError, status) => {
    const events = play(
      running(),
      lines.said([toolUse("e-1", "edit_file", { path: "/workspace/a.txt", old_str: "a", new_str: "b" })]),
      lines.toolResult("e-1", content, isError),
    );
    expect(events).toMatchObject([
      { type: "tool.started" },
      { type: "tool.completed", status, output: content },
    ]);
  });

  it("tell the files that were changed", () => {
    const diff =
      "--- /workspace/old.txt\toriginal\n+++ /workspace/old.txt\tmodified\n@@ -1,1 +1,1 @@\n-a\n+b\n";
    const events = play(
      running(),
      lines.said([
        toolUse("c-1", "create_file", { path: "/workspace/new.txt", content: "a" }),
        toolUse("e-1", "edit_file", { path: "/workspace/old.txt", old_str: "a", new_str: "b" }),
      ]),
      lines.toolResult("c-1", "Successfully created file /workspace/new.txt"),
      lines.toolResult("e-1", JSON.stringify({ diff: `\`\`\`diff\n${diff}\`\`\``, lineRange: [1, 1] })),
    );
    expect(eventsOf(events, "file.changed")).toEqual([
      { type: "file.changed", path: "/workspace/new.txt", change: "added", toolCallId: "c-1" },
      { type: "file.changed", path: "/workspace/old.txt", change: "modified", toolCallId: "e-1", diff },
    ]);
  });

  it("tell the files of a patch", () => {
    const file = (type: string, name: string, from = name): object => ({
      uri: `file:///workspace/${encodeURIComponent(name)}`,
      type,
      diff: `--- /workspace/${from}\n+++ /workspace/${name}\n`,
    });
    const files = [
      file("add", "a b.txt"),
      file("move", "c.txt", "b.txt"),
      file("update", "d.txt"),
      file("delete", "e.txt"),
      { uri: "file:///workspace/%", type: "update" },
      { uri: "https://example.com/x" },
      "nonsense",
    ];
    const events = play(
      running(),
      lines.said([toolUse("p-1", "apply_patch", { patchText: "*** Begin Patch" })]),
      lines.toolResult("p-1", JSON.stringify({ summary: "add: a.txt (+1/-0)", files })),
    );
    expect(eventsOf(events, "file.changed").map(({ path, change, diff }) => [path, change, diff])).toEqual([
      ["/workspace/a b.txt", "added", "--- /workspace/a b.txt\n+++ /workspace/a b.txt\n"],
      ["/workspace/b.txt", "deleted", undefined],
      ["/workspace/c.txt", "added", "--- /workspace/b.txt\n+++ /workspace/c.txt\n"],
      ["/workspace/d.txt", "modified", "--- /workspace/d.txt\n+++ /workspace/d.txt\n"],
      ["/workspace/e.txt", "deleted", "--- /workspace/e.txt\n+++ /workspace/e.txt\n"],
      ["/workspace/%", "modified", undefined],
    ]);
    expect(events.at(-1)).toMatchObject({ status: "ok", output: "add: a.txt (+1/-0)" });
  });

  it("tell what was read", () => {
    const events = play(
      running(),
      lines.said([toolUse("r-1", "Read", { path: "/workspace/a" })]),
      lines.toolResult("r-1", JSON.stringify({ absolutePath: "/workspace/a", content: "1: hi" })),
    );
    expect(events.at(-1)).toMatchObject({ status: "ok", output: "1: hi" });
  });

  it("tell what a skill says", () => {
    const content = { content: [{ type: "text", text: "# greet Skill" }] };
    const events = play(
      running(),
      lines.said([toolUse("s-1", "skill", { name: "greet" })]),
      lines.toolResult("s-1", JSON.stringify(content)),
    );
    expect(events.at(-1)).toMatchObject({ status: "ok", output: "# greet Skill", content });
  });

  it("of MCP servers are known by their names, and each is told once", () => {
    const call = toolUse("m-1", "mcp__echo__shout", { text: "hi" });
    const events = play(
      running(),
      lines.said([call]),
      lines.said([call]),
      lines.toolResult("m-1", '[{"type":"text","text":"HI"}]'),
    );
    expect(events).toMatchObject([
      { type: "tool.started", kind: "mcp", title: "echo: shout" },
      { type: "tool.completed", toolCallId: "m-1", status: "ok", output: "HI" },
    ]);
  });
});

describe("MCP servers", () => {
  const servers = (status: string): object => ({ mcp_servers: [{ name: "echo", status }] });

  it.each([
    ["connected", { status: "connected" }],
    ["connecting", { status: "pending", message: "connecting" }],
    ["authenticating", { status: "needs_authentication", message: "authenticating" }],
    ["awaiting-approval", { status: "disabled", message: "awaiting-approval" }],
    ["failed", { status: "failed" }],
    ["toString", { status: "failed", message: "toString" }],
  ])("that are %s are told as %j", (status, told) => {
    const [started] = play(running(), lines.init(servers(status)));
    expect(started).toMatchObject({ type: "session.started", mcpServers: [{ name: "echo", ...told }] });
  });

  it("are told again when a later process finds them otherwise", () => {
    const protocol = running();
    play(protocol, lines.init(servers("connected")), lines.success());
    protocol.open({});
    expect(play(protocol, lines.init(servers("connected")))).toEqual([]);
    expect(play(protocol, lines.init(servers("failed")))).toEqual([
      { type: "session.updated", mcpServers: [{ name: "echo", status: "failed" }] },
    ]);
  });
});

describe("lines that are none of the documentation's", () => {
  it("are passed on as they are", () => {
    const events = play(
      running(),
      "Warning: something",
      "[]",
      '{"kind":"no type"}',
      '{"type":"surprise","n":1}',
      '{"type":"system","subtype":"compacting"}',
      lines.said([{ type: "hologram" }]),
    );
    expect(events).toMatchObject([
      { type: "agent.unparsed", line: "Warning: something" },
      { type: "agent.unparsed", line: "[]" },
      { type: "agent.unparsed" },
      { type: "agent.unknown", raw: { type: "surprise", n: 1 } },
      { type: "agent.unknown", raw: { subtype: "compacting" } },
      { type: "agent.unknown", raw: { type: "hologram" } },
    ]);
    expect(events.filter(isTerminal)).toEqual([]);
  });

  it("belong to no turn when it has ended", () => {
    const protocol = running();
    play(protocol, lines.success());
    const late = protocol.push(lines.said([text("late")]));
    expect(late).toMatchObject({ background: true, events: [{ type: "message.completed" }] });
    expect(protocol.push(lines.success()).events).toBeUndefined();
  });
});
