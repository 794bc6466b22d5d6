import { describe, expect, it } from "vitest";
import { gemini } from "../../../../backends/gemini/index.ts";
import type { AgentExit, AgentProtocol, ProtocolInput } from "../../../../src/kit.ts";
import { json, lines, nativeSessionId, protocolInput } from "./lines.ts";

const exit = (more: Partial<AgentExit> = {}): AgentExit => ({ code: 0, signal: null, stderr: "", ...more });
const content = [{ type: "text", text: "Hello." }] as const;

function prompted(resume?: string, more: Partial<ProtocolInput> = {}): AgentProtocol {
  const protocol = gemini({ mode: "turn" }).protocol({ ...protocolInput, ...more });
  protocol.open(resume === undefined ? {} : { resume: { nativeSessionId: resume, fork: false } });
  protocol.prompt({ turnId: "turn-1", content });
  return protocol;
}

describe("gemini -o stream-json", () => {
  it("is given the prompt by standard input, which is closed", () => {
    const protocol = gemini({ mode: "turn" }).protocol(protocolInput);
    expect(protocol.open({})).toEqual({ ready: true });
    const parts = [
      { type: "text", text: "-One" },
      { type: "text", text: "Two" },
    ] as const;
    expect(protocol.prompt({ turnId: "t", content: parts })).toEqual({
      write: ["-One\n\nTwo"],
      closeStdin: true,
    });
  });

  it("tells the session, the text and what it has used", () => {
    const protocol = prompted();
    expect(protocol.push(lines.init())).toMatchObject({
      nativeSessionId,
      events: [
        {
          type: "session.started",
          agent: "gemini",
          model: "gemini-2.5-pro",
          nativeSessionId,
          resumed: false,
        },
      ],
    });
    expect(protocol.push(json({ type: "message", role: "user", content: "Hello." })).events).toEqual([]);
    expect(protocol.push(lines.text("Hi, ")).events).toEqual([
      { type: "message.delta", messageId: "turn-1.1", text: "Hi, " },
    ]);
    protocol.push(lines.text("you."));
    const stats = { input_tokens: 30, output_tokens: 5, cached: 10, total_tokens: 42 };
    expect(protocol.push(lines.result({ stats })).events).toEqual([
      { type: "message.completed", messageId: "turn-1.1", text: "Hi, you." },
      {
        type: "turn.completed",
        stopReason: "end_turn",
        text: "Hi, you.",
        usage: { inputTokens: 20, outputTokens: 12, cacheReadTokens: 10, reasoningTokens: 7 },
      },
    ]);
    expect(protocol.end(exit())).toEqual({});
  });

  it("ends a message where a tool call begins", () => {
    const protocol = prompted();
    protocol.push(lines.text("Let me see."));
    expect(protocol.push(lines.toolUse("c", "run_shell_command", { command: "ls -l" })).events).toEqual([
      { type: "message.completed", messageId: "turn-1.1", text: "Let me see." },
      {
        ...{ type: "tool.started", toolCallId: "c", name: "run_shell_command", kind: "execute" },
        ...{ title: "ls -l", input: { command: "ls -l" } },
      },
    ]);
    expect(protocol.push(lines.text("Seen.")).events).toMatchObject([{ messageId: "turn-1.2" }]);
    expect(protocol.push(lines.result()).events).toMatchObject([{ text: "Seen." }, { text: "Seen." }]);
  });

  it.each([
    [{ output: "out" }, { status: "ok", output: "out" }],
    [{ output: "Command exited with code: 3" }, { status: "error", exitCode: 3 }],
    [{ output: "Command exited with code: 0" }, { status: "ok", exitCode: 0 }],
    [{ output: "Command terminated by signal: 9" }, { status: "error" }],
    [{ output: "Blocked: command substitution" }, { status: "error" }],
    [
      { status: "error", error: { type: "x", message: "It broke." } },
      { status: "error", output: "It broke." },
    ],
    [{ status: "error", error: { type: "policy_violation", message: "No." } }, { status: "denied" }],
    [{ status: "error", error: { type: "tool_not_registered", message: "None." } }, { status: "error" }],
  ])("tells how a call ended: %j", (result, completed) => {
    const protocol = prompted();
    protocol.push(lines.toolUse("c", "run_shell_command", { command: "x" }));
    expect(protocol.push(lines.toolResult("c", result)).events).toMatchObject([
      { type: "tool.completed", toolCallId: "c", ...completed },
    ]);
  });

  it.each([{ permissions: "deny-all" }, { allowedTools: ["read_file"] }] as const)(
    "calls a tool that is not there denied with %j, since it was left out",
    (more) => {
      const protocol = prompted(undefined, more);
      protocol.push(lines.toolUse("c", "run_shell_command"));
      const error = { type: "tool_not_registered", message: "None." };
      expect(protocol.push(lines.toolResult("c", { status: "error", error })).events).toMatchObject([
        { type: "tool.completed", status: "denied" },
      ]);
    },
  );

  it("tells of files and plans by the input of calls that ended well", () => {
    const protocol = prompted();
    protocol.push(lines.toolUse("w", "write_file", { file_path: "/workspace/a" }));
    expect(protocol.push(lines.toolResult("w")).events?.at(-1)).toEqual({
      ...{ type: "file.changed", path: "/workspace/a", change: "modified", toolCallId: "w" },
    });
    const todos = [
      { description: "One", status: "completed" },
      { description: "Two", status: "in_progress" },
      { description: "Three", status: "blocked" },
      { description: "Four", status: "cancelled" },
      { status: "pending" },
    ];
    protocol.push(lines.toolUse("p", "write_todos", { todos }));
    expect(protocol.push(lines.toolResult("p")).events?.at(-1)).toEqual({
      type: "plan.updated",
      entries: [
        { content: "One", status: "completed" },
        { content: "Two", status: "in_progress" },
        { content: "Three", status: "pending" },
      ],
    });
    protocol.push(lines.toolUse("f", "write_file", { file_path: "/workspace/b" }));
    expect(protocol.push(lines.toolResult("f", { status: "error" })).events).toHaveLength(1);
  });

  it.each([
    [
      '[API Error: {"error":{"code":401,"message":"No key."}}]',
      145,
      { code: "authentication_failed", status: 401, message: "No key." },
    ],
    [
      '[API Error: {"error":{"code":400,"message":"API key not valid."}}]',
      144,
      { code: "authentication_failed", status: 400 },
    ],
    ["[API Error: Slow down]", 173, { code: "rate_limited", status: 429, message: "Slow down" }],
    ["[API Error: It broke]", 244, { code: "model_error", status: 500 }],
    ["[API Error: exception TypeError: fetch failed sending request]", 1, { code: "network_error" }],
    ["[API Error: terminated]", 244, { code: "network_error" }],
    ["Reached max session turns", 53, { code: "budget_exceeded", retryable: false }],
  ])("tells an error of the API by the result and the exit code: %s", (message, code, error) => {
    const protocol = prompted();
    protocol.push(lines.init());
    expect(
      protocol.push(lines.result({ status: "error", error: { type: "Error", message } })).events,
    ).toEqual([]);
    expect(protocol.end(exit({ code })).events).toMatchObject([
      { type: "turn.failed", error, usage: { inputTokens: 10, outputTokens: 5 } },
    ]);
  });

  it.each([
    [
      exit({ code: 41, stderr: "Please set an Auth method\n" }),
      { code: "authentication_failed", exitCode: 41 },
    ],
    [exit({ code: 53, stderr: "Reached max session turns\n" }), { code: "budget_exceeded" }],
    [exit({ code: null, signal: "SIGKILL" }), { code: "agent_exited", signal: "SIGKILL" }],
    [exit(), { code: "agent_exited" }],
  ])("has failed where the process ends without a result: %j", (how, error) => {
    const protocol = prompted();
    protocol.push(lines.init());
    protocol.push(lines.text("Now it"));
    expect(protocol.end(how).events).toMatchObject([
      { type: "message.completed", text: "Now it" },
      { type: "turn.failed", error },
    ]);
    expect(protocol.end(how)).toEqual({});
  });

  it("is interrupted by a signal", () => {
    const protocol = prompted();
    protocol.push(lines.text("Now it"));
    expect(protocol.interrupt()).toEqual({});
    expect(protocol.end(exit()).events).toMatchObject([
      { type: "message.completed" },
      { type: "turn.interrupted", by: "host" },
    ]);
  });

  it("knows a session that is lost, and one that is another", () => {
    const stderr = 'Error resuming session: Invalid session identifier "x".\n';
    expect(prompted(nativeSessionId).end(exit({ code: 42, stderr }))).toMatchObject({ resumeLost: true });
    expect(prompted().end(exit({ code: 42, stderr }))).not.toHaveProperty("resumeLost");
    expect(prompted(nativeSessionId).push(lines.init("another"))).toMatchObject({ resumeLost: true });
  });

  it("tells of the session's start once, whatever the number of its processes", () => {
    const protocol = prompted();
    protocol.push(lines.init());
    protocol.push(lines.result());
    protocol.end(exit());
    protocol.open({ resume: { nativeSessionId, fork: false } });
    protocol.prompt({ turnId: "turn-2", content });
    const step = protocol.push(lines.init());
    expect(step.nativeSessionId).toBe(nativeSessionId);
    expect(step).not.toHaveProperty("events");
    expect(protocol.push(lines.text("Two.")).events).toMatchObject([{ messageId: "turn-2.1" }]);
  });

  it("tells a session that was taken up", () => {
    expect(prompted(nativeSessionId).push(lines.init()).events).toMatchObject([
      { type: "session.started", resumed: true },
    ]);
  });

  it("takes another model with the next process, and no message while it works", () => {
    const protocol = gemini({ mode: "turn" }).protocol(protocolInput);
    expect(protocol.request?.({ id: "h", type: "set_model", model: "m2" })).toEqual({
      responses: [{ id: "h" }],
    });
    expect(protocol.request?.({ id: "h", type: "steer", content: [] }).responses).toMatchObject([
      { id: "h", error: "Gemini CLI takes no message while a turn runs." },
    ]);
    protocol.open({});
    protocol.prompt({ turnId: "t", content });
    expect(protocol.push(json({ type: "init", session_id: nativeSessionId })).events).toMatchObject([
      { model: "m2" },
    ]);
  });

  it("passes on what the CLI warns of", () => {
    const protocol = prompted();
    expect(protocol.push(json({ type: "error", severity: "warning", message: "Loop." })).events).toEqual([
      { type: "agent.notice", level: "warning", message: "Loop." },
    ]);
    expect(protocol.push(json({ type: "error", message: "Oh." })).events).toMatchObject([{ level: "error" }]);
  });

  it.each([
    ["The model returned reasoning thoughts. If your context window is near capacity, try /compress.", true],
    ["The model response was blocked due to safety settings.", false],
  ])("fails for an answer of which the CLI said: %s", (message, retryable) => {
    const protocol = prompted();
    protocol.push(json({ type: "error", severity: "error", message }));
    protocol.push(json({ type: "error", severity: "warning", message: "Loop." }));
    protocol.push(lines.result({ status: "error" }));
    expect(protocol.end(exit()).events).toMatchObject([
      { type: "turn.failed", error: { code: "model_error", message, retryable } },
    ]);
  });

  it("fails for the result's own reason, or for none, whatever went wrong in the turn before", () => {
    const protocol = prompted();
    protocol.push(json({ type: "error", severity: "error", message: "Oh." }));
    protocol.push(lines.result({ status: "error", error: { message: "[API Error: fetch failed]" } }));
    expect(protocol.end(exit({ code: 1 })).events).toMatchObject([{ error: { code: "network_error" } }]);
    protocol.open({});
    protocol.prompt({ turnId: "turn-2", content });
    protocol.push(lines.result({ status: "error" }));
    expect(protocol.end(exit()).events).toMatchObject([
      { error: { code: "agent_error", message: "Gemini CLI gave no reason." } },
    ]);
  });

  it("tells what it does not understand", () => {
    const protocol = prompted();
    expect(protocol.push("Ripgrep is not available.").events).toEqual([
      { type: "agent.unparsed", line: "Ripgrep is not available.", bytes: 25, truncated: false },
    ]);
    expect(protocol.push("é".repeat(3000)).events).toMatchObject([{ bytes: 6000, truncated: true }]);
    for (const line of ["new", "init", "message", "tool_use", "tool_result"].map((type) => json({ type })))
      expect(protocol.push(line).events).toMatchObject([{ type: "agent.unknown" }]);
  });

  it("has nothing of a turn outside of one", () => {
    const protocol = prompted();
    protocol.push(lines.result());
    expect(protocol.push(lines.result())).toMatchObject({ events: [], background: true });
    expect(protocol.reply({ type: "question", requestId: "x" })).toEqual({});
    expect(protocol.tick()).toEqual({});
  });
});
