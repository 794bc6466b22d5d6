import { describe, expect, it } from "vitest";
import type { AgentEventBody, AgentExit, AgentProtocol } from "../../../../src/kit.ts";
import {
  json,
  lines,
  nativeSessionId,
  opened,
  openedProtocol,
  prompt,
  readyProtocol,
  requestId,
  resumingProtocol,
  sent,
  shellText,
} from "./lines.ts";

const exit = (more: Partial<AgentExit> = {}): AgentExit => ({ code: 1, signal: null, stderr: "", ...more });
const pushAll = (protocol: AgentProtocol, ...pushed: readonly string[]): readonly AgentEventBody[] =>
  pushed.flatMap((line) => protocol.push(line).events ?? []);
const completedTurn = (protocol: AgentProtocol, id: number): AgentEventBody | undefined =>
  protocol.push(lines.answer(id, { stopReason: "end_turn" })).events?.at(-1);

describe("the handshake", () => {
  it("opens a session, and tells of it by the names that the caller uses", () => {
    expect(openedProtocol().step).toMatchObject({
      ready: true,
      nativeSessionId,
      events: [
        {
          type: "session.started",
          agent: "qwen",
          model: "m1",
          nativeSessionId,
          cwd: "/workspace",
          resumed: false,
        },
      ],
    });
  });

  it("takes a session up by loading it, of which the history is not told", () => {
    const { protocol, load } = resumingProtocol();
    expect(sent(load)).toMatchObject([{ method: "session/load", params: { sessionId: nativeSessionId } }]);
    const past = { type: "text", text: "Past." };
    expect(
      pushAll(
        protocol,
        lines.update({ sessionUpdate: "user_message_chunk", content: past }),
        lines.text("Past."),
      ),
    ).toEqual([]);
    protocol.push(lines.answer(requestId(load), opened));
    expect(protocol.tick()).toMatchObject({
      ready: true,
      events: [{ type: "session.started", resumed: true }],
    });
  });

  it("knows a session without a history for another one, which it was given in silence", () => {
    const { protocol, load } = resumingProtocol();
    protocol.push(lines.answer(requestId(load), opened));
    expect(protocol.tick()).toEqual({ resumeLost: true });
  });

  it("fails with the words of the process", () => {
    const { protocol } = openedProtocol();
    protocol.end(exit());
    protocol.open({});
    const { startError } = protocol.end(exit({ stderr: "Unknown argument: nonsense\n" }));
    expect(startError).toMatchObject({ code: "session_start_failed", exitCode: 1 });
    expect(startError?.message).toContain("Unknown argument: nonsense");
  });
});

describe("an answer", () => {
  it("streams, and adds its requests up", () => {
    const protocol = readyProtocol();
    const id = requestId(prompt(protocol));
    const events = pushAll(
      protocol,
      lines.thought("Hm."),
      lines.text("Hello"),
      lines.text(" there."),
      lines.usage(10, 5, { cachedReadTokens: 4 }),
      lines.usage(20, 7, {}),
    );
    expect(events.filter(({ type }) => type.endsWith(".delta"))).toMatchObject([
      { type: "reasoning.delta", text: "Hm." },
      { type: "message.delta", text: "Hello" },
      { type: "message.delta", text: " there." },
    ]);
    expect(completedTurn(protocol, id)).toMatchObject({
      type: "turn.completed",
      stopReason: "end_turn",
      text: "Hello there.",
      usage: { inputTokens: 30, outputTokens: 12, cacheReadTokens: 4 },
    });
  });

  it("of a sub-agent is none of the agent's", () => {
    const protocol = readyProtocol();
    const id = requestId(prompt(protocol));
    const parentToolCallId = "c1";
    const events = pushAll(
      protocol,
      lines.call("c1", "agent", { description: "Look around" }),
      lines.thought("Hm."),
      lines.text("Loo"),
      lines.text("king."),
      lines.call("c2", "run_shell_command", { command: "ls" }, { parentToolCallId }),
      lines.result("c2", shellText("a", 0)),
      lines.text("Nothing."),
      lines.text("", { usage: { inputTokens: 1, outputTokens: 1 }, parentToolCallId }),
      lines.result("c1", "Nothing."),
      lines.text("Done."),
    ).filter(({ type }) => type !== "usage.updated");
    const one = { messageId: "sub-agent.1", parentToolCallId };
    const two = { messageId: "sub-agent.2", parentToolCallId };
    const three = { messageId: "sub-agent.3", parentToolCallId };
    expect(events).toMatchObject([
      { type: "tool.started", toolCallId: "c1", name: "agent", kind: "agent", title: "Look around" },
      { type: "reasoning.delta", text: "Hm.", ...one },
      { type: "reasoning.completed", text: "Hm.", ...one },
      { type: "message.delta", text: "Loo", ...two },
      { type: "message.delta", text: "king.", ...two },
      { type: "message.completed", text: "Looking.", ...two },
      { type: "tool.started", toolCallId: "c2", parentToolCallId },
      { type: "tool.completed", toolCallId: "c2", output: "a", exitCode: 0 },
      { type: "message.delta", text: "Nothing.", ...three },
      { type: "message.completed", text: "Nothing.", ...three },
      { type: "tool.completed", toolCallId: "c1" },
      { type: "message.delta", text: "Done." },
    ]);
    expect(completedTurn(protocol, id)).toMatchObject({ type: "turn.completed", text: "Done." });
  });

  it("makes room for itself", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    const told =
      "IMPORTANT: This conversation approached the input token limit for m1. A compressed context will be sent for future messages (compressed from: 900 to 100 tokens).";
    expect(protocol.push(lines.text(told)).events).toEqual([
      { type: "context.compacted", before: 900, after: 100, trigger: "auto" },
    ]);
    const unsure = told.replace("900 to 100", "unknown to unknown");
    expect(protocol.push(lines.text(unsure)).events).toEqual([
      { type: "context.compacted", trigger: "auto" },
    ]);
  });

  it("is made room for by a command, which the user is told as well", () => {
    const protocol = readyProtocol();
    prompt(protocol, "/compress");
    const [delta, compacted] = protocol.push(lines.text("Context compressed (900 -> 100).")).events ?? [];
    expect(delta).toMatchObject({ type: "message.delta" });
    expect(compacted).toEqual({ type: "context.compacted", before: 900, after: 100, trigger: "manual" });
    const other = readyProtocol();
    prompt(other, "Say it.");
    expect(other.push(lines.text("Context compressed (900 -> 100).")).events).toMatchObject([
      { type: "message.delta" },
    ]);
  });
});

describe("a tool call", () => {
  const played = (...pushed: readonly string[]): readonly AgentEventBody[] => {
    const protocol = readyProtocol();
    prompt(protocol);
    return pushAll(protocol, ...pushed);
  };

  it.each([
    [0, "ok"],
    [3, "error"],
  ])("of a command that ends with %i is %s", (exitCode, status) => {
    expect(
      played(
        lines.call("c1", "run_shell_command", { command: "x" }),
        // For people, it leaves out how the command ended.
        lines.result("c1", shellText("out", exitCode), { rawOutput: "out" }),
      ),
    ).toMatchObject([
      {
        type: "tool.started",
        name: "run_shell_command",
        kind: "execute",
        title: "x",
        input: { command: "x" },
      },
      { type: "tool.completed", status, output: "out", exitCode },
    ]);
  });

  it("of a command without output or exit code says neither", () => {
    const events = played(
      lines.call("c1", "run_shell_command", { command: "x" }),
      lines.result("c1", shellText("(empty)", "(none)")),
    );
    expect(events[1]).toEqual({ type: "tool.completed", toolCallId: "c1", status: "ok", output: "" });
  });

  it("tells what becomes of a file by its whole path", () => {
    const edit = (oldText: string): string =>
      lines.update({
        ...{ sessionUpdate: "tool_call_update", toolCallId: "c1", status: "completed" },
        content: [{ type: "diff", path: "a.txt", oldText, newText: "2\n" }],
        rawOutput: { fileDiff: "D", fileName: "a.txt", originalContent: oldText, newContent: "2\n" },
      });
    const call = lines.call("c1", "write_file", { file_path: "/w/a.txt", content: "2\n" });
    expect(played(call, edit("")).at(-1)).toMatchObject({
      type: "file.changed",
      path: "/w/a.txt",
      change: "added",
    });
    const [, completed, changed] = played(call, edit("1\n"));
    expect(completed).toMatchObject({ output: "", content: { fileName: "a.txt" } });
    expect(JSON.stringify(completed)).not.toContain("fileDiff");
    expect(changed).toMatchObject({
      change: "modified",
      diff: expect.stringContaining("-1\n+2\n") as unknown,
    });
  });

  it.each([
    ["Qwen Code requires permission to use run_shell_command, but no one can be asked."],
    ['Tool "run_shell_command" is denied by the settings.'],
  ])("that may not be made is denied: %s", (text) => {
    const failed = lines.result("c1", text, { status: "failed" });
    expect(played(lines.call("c1", "run_shell_command", { command: "x" }), failed).at(-1)).toMatchObject({
      type: "tool.completed",
      status: "denied",
    });
  });

  it("of a server has the name that rules are written with", () => {
    expect(played(lines.call("c1", "mcp__echo__say", { text: "hi" }))).toMatchObject([
      { type: "tool.started", name: "mcp__echo__say", kind: "mcp", title: "echo: say" },
    ]);
  });
});

describe("a failure", () => {
  it.each([
    ["[API Error: 401 Incorrect API key]", { code: "authentication_failed", status: 401 }],
    ["[API Error: 429 Slow down]", { code: "rate_limited", status: 429, message: "Slow down" }],
    ["[API Error: 500 status code (no body)]", { code: "model_error", status: 500 }],
    ["[API Error: Connection error.]", { code: "network_error", retryable: true }],
    ["[API Error: terminated (cause: other side closed)]", { code: "network_error" }],
  ])("%s is told as text", (text, error) => {
    const protocol = readyProtocol();
    const id = requestId(prompt(protocol));
    protocol.push(lines.text(text));
    expect(completedTurn(protocol, id)).toMatchObject({ type: "turn.failed", error });
  });

  it("may be the answer to the prompt, with its details", () => {
    const protocol = readyProtocol();
    const id = requestId(prompt(protocol));
    const step = protocol.push(lines.refusal(id, "Internal error", { details: "404 No such model" }));
    expect(step.events?.at(-1)).toMatchObject({
      type: "turn.failed",
      error: { code: "model_not_found", status: 404, message: "No such model" },
    });
  });

  it("of the process ends the turn, once", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    expect(protocol.end(exit({ code: null, signal: "SIGKILL" })).events).toMatchObject([
      { type: "turn.failed", error: { code: "agent_exited", signal: "SIGKILL" } },
    ]);
    expect(protocol.end(exit()).events ?? []).toEqual([]);
  });
});

describe("an interruption", () => {
  it("cancels by the protocol, and leaves the session usable", () => {
    const protocol = readyProtocol();
    const id = requestId(prompt(protocol));
    expect(sent(protocol.interrupt())).toMatchObject([{ method: "session/cancel" }]);
    expect(protocol.push(lines.answer(id, { stopReason: "cancelled" })).events).toMatchObject([
      { type: "turn.interrupted", by: "host" },
    ]);
    const next = requestId(prompt(protocol));
    expect(completedTurn(protocol, next)).toMatchObject({ type: "turn.completed" });
  });
});

describe("requests of the host", () => {
  it("list the models that there is a key for, by the names that the caller uses", () => {
    const step = readyProtocol().request!({ id: "h1", type: "list_models" });
    expect(step.responses).toEqual([
      {
        id: "h1",
        models: [
          { id: "m1", name: "m1", isDefault: true },
          { id: "m2", name: "m2" },
        ],
      },
    ]);
  });

  it("set the model", () => {
    const step = readyProtocol().request!({ id: "h1", type: "set_model", model: "m2" });
    expect(JSON.stringify(sent(step))).toContain('"m2(openai)"');
  });

  it("cannot steer", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    const content = [{ type: "text", text: "Rather so." }] as const;
    const [response] = protocol.request!({ id: "h1", type: "steer", content }).responses ?? [];
    expect(response?.error).toBeDefined();
  });
});

describe("what nobody knows", () => {
  it("is told as such", () => {
    const protocol = readyProtocol();
    expect(protocol.push(json({ jsonrpc: "2.0", method: "session/invented", params: {} }))).toMatchObject({
      events: [{ type: "agent.unknown" }],
      background: true,
    });
    expect(protocol.push("nothing").events).toMatchObject([{ type: "agent.unparsed", line: "nothing" }]);
  });
});
