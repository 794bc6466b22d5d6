import { describe, expect, it } from "vitest";
import type { AgentProtocol, PermissionMode } from "../../../../src/kit.ts";
import { claude } from "../../../../backends/claude/index.ts";
import {
  json,
  lines,
  prompt,
  protocolInput,
  push,
  readyProtocol,
  sessionId,
  types,
  written,
} from "./lines.ts";

function ask(
  requestId: string,
  tool: string,
  input: object = { command: "ls" },
  toolCallId = "call-1",
): string {
  const request = { subtype: "can_use_tool", tool_name: tool, input, tool_use_id: toolCallId };
  return lines.request(requestId, request);
}

function hook(requestId: string, toolCallId = "call-1"): string {
  return lines.request(requestId, {
    subtype: "hook_callback",
    callback_id: "permission",
    tool_use_id: toolCallId,
    input: { tool_name: "Bash" },
  });
}

function running(permissions: PermissionMode, answersQuestions = true): AgentProtocol {
  const protocol = readyProtocol({ permissions, answersQuestions });
  prompt(protocol);
  push(protocol, lines.init(), lines.echo(), lines.tool("m1", "call-1"));
  return protocol;
}

const decisions = (protocol: AgentProtocol, line: string): unknown[] =>
  written(protocol.push(line)).map(
    (answer) => (answer as { response: { response: unknown } }).response.response,
  );

describe("the handshake", () => {
  it("has every call of a tool go through a hook, unless all are allowed", () => {
    for (const permissions of ["ask", "deny-all"] as const) {
      const [line] = written(
        claude()
          .protocol({ ...protocolInput, permissions })
          .open({}),
      );
      expect(line).toMatchObject({
        request: { subtype: "initialize", hooks: { PreToolUse: [{ hookCallbackIds: ["permission"] }] } },
      });
    }
    expect(written(claude().protocol(protocolInput).open({}))).toMatchObject([{ request: { hooks: {} } }]);
  });

  it("carries the system prompt, so that it stands in no argument", () => {
    const open = (systemPrompt: { append: string } | { replace: string }): unknown =>
      written(
        claude()
          .protocol({ ...protocolInput, systemPrompt })
          .open({}),
      )[0];
    expect(open({ append: "Be brief." })).toMatchObject({ request: { appendSystemPrompt: "Be brief." } });
    expect(open({ replace: "Be brief." })).toMatchObject({ request: { systemPrompt: ["Be brief."] } });
  });

  it("is complete when the CLI answers", () => {
    const protocol = claude().protocol(protocolInput);
    protocol.open({});
    expect(protocol.push(lines.ready()).ready).toBe(true);
  });

  it("fails when the CLI refuses", () => {
    const protocol = claude().protocol(protocolInput);
    protocol.open({});
    const refusal = { subtype: "error", request_id: "initialize", error: "Not like that." };
    expect(protocol.push(json({ type: "control_response", response: refusal })).startError).toMatchObject({
      code: "protocol_error",
      message: "Not like that.",
    });
  });

  it("fails when the id is taken, and says so", () => {
    const protocol = claude().protocol(protocolInput);
    protocol.open({});
    const stderr = `Error: Session ID ${sessionId} is already in use.\n`;
    expect(protocol.end({ code: 1, signal: null, stderr }).startError).toMatchObject({
      code: "session_start_failed",
      message: expect.stringContaining("has a session with this id already") as string,
      stderr,
    });
  });

  it("tells the session's id for each process, since a lost session may begin anew under it", () => {
    const protocol = readyProtocol();
    expect(protocol.push(lines.init()).nativeSessionId).toBe(sessionId);
    expect(protocol.push(lines.init()).nativeSessionId).toBeUndefined();
    protocol.end({ code: 0, signal: null, stderr: "" });
    protocol.open({});
    protocol.push(lines.ready());
    expect(protocol.push(lines.init()).nativeSessionId).toBe(sessionId);
  });

  it("tells of a session that was resumed", () => {
    const protocol = claude().protocol(protocolInput);
    protocol.open({ resume: { nativeSessionId: sessionId, fork: false } });
    push(protocol, lines.ready());
    expect(protocol.push(lines.init()).events).toMatchObject([{ type: "session.started", resumed: true }]);
  });
});

describe("allow-all", () => {
  it("allows what the CLI asks for all the same, with the input", () => {
    const protocol = running("allow-all");
    expect(decisions(protocol, ask("r1", "ExitPlanMode", { plan: "x" }))).toEqual([
      { behavior: "allow", updatedInput: { plan: "x" } },
    ]);
  });
});

describe("deny-all", () => {
  it("denies by the hook and by the request", () => {
    const protocol = running("deny-all");
    expect(decisions(protocol, hook("h1"))).toMatchObject([
      { hookSpecificOutput: { permissionDecision: "deny" } },
    ]);
    expect(decisions(protocol, ask("r1", "Bash"))).toMatchObject([{ behavior: "deny" }]);
    expect(decisions(protocol, ask("r2", "AskUserQuestion"))).toMatchObject([{ behavior: "deny" }]);
    const step = protocol.push(lines.toolResult("call-1", "No.", { is_error: true }));
    expect(step.events).toMatchObject([{ type: "tool.completed", status: "denied" }]);
  });
});

describe("ask", () => {
  it("lets the hook ask, and tells the host once", () => {
    const protocol = running("ask");
    expect(types([protocol.push(hook("h1"))])).toEqual([]);
    expect(types([protocol.push(ask("r1", "Bash"))])).toEqual(["permission.requested"]);
  });

  it("writes the host's answer", () => {
    const protocol = running("ask");
    push(protocol, ask("r1", "Bash", { command: "ls" }), ask("r2", "Bash", { command: "rm" }, "call-2"));
    const reply = (answer: Parameters<AgentProtocol["reply"]>[0]): unknown =>
      written(protocol.reply(answer))[0];
    expect(reply({ type: "permission", requestId: "r1", outcome: "allow" })).toMatchObject({
      response: { request_id: "r1", response: { behavior: "allow", updatedInput: { command: "ls" } } },
    });
    expect(reply({ type: "permission", requestId: "r2", outcome: "deny", message: "" })).toMatchObject({
      response: { request_id: "r2", response: { behavior: "deny", message: "The call was denied." } },
    });
  });

  it("writes no second answer, nor one to a request that is not open", () => {
    const protocol = running("ask");
    push(protocol, ask("r1", "Bash"));
    protocol.reply({ type: "permission", requestId: "r1", outcome: "allow" });
    for (const requestId of ["r1", "r9"]) {
      expect(protocol.reply({ type: "permission", requestId, outcome: "allow" }).write).toBeUndefined();
    }
    expect(protocol.reply({ type: "question", requestId: "r1" }).write).toBeUndefined();
  });

  it("tells when the agent withdraws", () => {
    const protocol = running("ask");
    push(protocol, ask("r1", "Bash"));
    expect(protocol.push(lines.cancel("r1")).events).toEqual([
      { type: "permission.resolved", requestId: "r1", outcome: "cancelled", by: "agent" },
    ]);
    expect(types([protocol.push(lines.cancel("r1"))])).toEqual([]);
    expect(protocol.reply({ type: "permission", requestId: "r1", outcome: "allow" }).write).toBeUndefined();
  });

  it("writes no answer to a question of a process that has ended", () => {
    const protocol = running("ask");
    push(protocol, ask("r1", "Bash"));
    protocol.end({ code: 0, signal: null, stderr: "" });
    protocol.open({});
    expect(protocol.reply({ type: "permission", requestId: "r1", outcome: "allow" }).write).toBeUndefined();
  });

  it("remembers the tool with its subject, not the tool alone", () => {
    const protocol = running("ask");
    push(protocol, ask("r1", "Bash", { command: "ls" }));
    protocol.reply({ type: "permission", requestId: "r1", outcome: "allow", remember: true });
    const again = protocol.push(ask("r2", "Bash", { command: "ls", description: "Again" }));
    expect(types([again])).toEqual([]);
    expect(written(again)).toMatchObject([{ response: { response: { behavior: "allow" } } }]);
    expect(types([protocol.push(ask("r3", "Bash", { command: "ls -l" }))])).toEqual(["permission.requested"]);
  });

  it("reports a call that was made unasked", () => {
    const protocol = running("ask");
    const step = protocol.push(lines.toolResult("call-1", "made"));
    expect(step.events).toMatchObject([
      { type: "tool.completed", status: "ok" },
      { type: "agent.notice", level: "error" },
    ]);
  });

  it("calls a tool by one name", () => {
    const protocol = running("ask");
    const started = protocol.push(lines.tool("m2", "call-2", "Task", { description: "x" }));
    const asked = protocol.push(ask("r1", "Agent", { description: "x" }, "call-2"));
    expect(started.events).toMatchObject([{ type: "tool.started", name: "Agent" }]);
    expect(asked.events).toMatchObject([{ tool: { name: "Agent" } }]);
  });
});

describe("questions", () => {
  const questions = [
    { question: "Which?", header: "Choice", multiSelect: true, options: [{ label: "A" }, { label: "B" }] },
  ];

  it("are answered by their text, several labels in one", () => {
    const protocol = running("ask");
    const step = protocol.push(ask("r1", "AskUserQuestion", { questions }));
    expect(step.events).toMatchObject([
      { type: "question.requested", questions: [{ id: "Which?", multiSelect: true }] },
    ]);
    const reply = protocol.reply({ type: "question", requestId: "r1", answers: { "Which?": ["A", "B"] } });
    expect(written(reply)).toMatchObject([
      {
        response: {
          response: { behavior: "allow", updatedInput: { questions, answers: { "Which?": "A, B" } } },
        },
      },
    ]);
  });

  it("are declined where nobody answers", () => {
    const protocol = running("allow-all", false);
    const step = protocol.push(ask("r1", "AskUserQuestion", { questions }));
    expect(types([step])).toEqual([]);
    expect(written(step)).toMatchObject([{ response: { response: { behavior: "deny" } } }]);
  });
});

describe("requests of the CLI", () => {
  it("that are unknown are refused, not left open", () => {
    const protocol = running("ask");
    const step = protocol.push(lines.request("r1", { subtype: "dance" }));
    expect(types([step])).toEqual(["agent.unknown"]);
    expect(written(step)).toMatchObject([{ response: { subtype: "error", request_id: "r1" } }]);
  });

  it("for form data are declined", () => {
    const step = running("ask").push(lines.request("r1", { subtype: "elicitation", message: "Your name?" }));
    expect(written(step)).toMatchObject([{ response: { response: { action: "decline" } } }]);
  });
});

describe("requests of the host", () => {
  it("are answered when the CLI answers", () => {
    const protocol = running("allow-all");
    const [request] = written(protocol.request!({ id: "host-1", type: "set_model", model: "opus" }));
    expect(request).toMatchObject({ request: { subtype: "set_model", model: "opus" } });
    const { request_id: requestId } = request as { request_id: string };
    const step = protocol.push(lines.response(requestId));
    expect(step.responses).toEqual([{ id: "host-1" }]);
    expect(step.events).toEqual([{ type: "session.updated", model: "opus" }]);
  });

  it("fail with the CLI's words", () => {
    const protocol = running("allow-all");
    const [request] = written(protocol.request!({ id: "host-1", type: "set_model", model: "nope" }));
    const { request_id } = request as { request_id: string };
    const line = json({ type: "control_response", response: { subtype: "error", request_id, error: "No." } });
    expect(protocol.push(line).responses).toEqual([{ id: "host-1", error: "No." }]);
  });

  it("fail when the process ends", () => {
    const protocol = running("allow-all");
    protocol.request!({ id: "host-1", type: "set_model", model: "opus" });
    expect(protocol.end({ code: 0, signal: null, stderr: "" }).responses).toEqual([
      { id: "host-1", error: "Claude Code ended before it answered." },
    ]);
  });

  it("to steer need a turn", () => {
    const protocol = readyProtocol();
    const step = protocol.request!({
      id: "host-1",
      type: "steer",
      content: [{ type: "text", text: "Left!" }],
    });
    expect(step.write).toBeUndefined();
    expect(step.responses).toMatchObject([{ id: "host-1", error: expect.any(String) as string }]);
  });

  it("to interrupt need a turn", () => {
    expect(readyProtocol().interrupt()).toEqual({});
  });
});

describe("news of the CLI", () => {
  const event = (line: string): unknown => running("allow-all").push(line).events?.[0];

  it("of limits are told when they matter", () => {
    const line = (status: string): string =>
      json({
        type: "rate_limit_event",
        rate_limit_info: { status, rateLimitType: "five_hour", resetsAt: 1_800_000_000 },
      });
    expect(event(line("allowed"))).toBeUndefined();
    expect(event(line("allowed_warning"))).toMatchObject({ type: "agent.notice", level: "warning" });
    expect(event(line("rejected"))).toEqual({
      type: "agent.notice",
      level: "error",
      message: "The rate limit (five_hour) of the account is reached. It resets at 2027-01-15T08:00:00.000Z.",
    });
  });

  it("of a limit that ends at no possible time are told without it", () => {
    const info = { status: "rejected", resetsAt: 1e300 };
    expect(event(json({ type: "rate_limit_event", rate_limit_info: info }))).toMatchObject({
      message: "The rate limit of the account is reached.",
    });
  });

  it("are told as notices", () => {
    expect(event(lines.system("informational", { content: "Mind this.", level: "warning" }))).toMatchObject({
      level: "warning",
      message: "Mind this.",
    });
    expect(
      event(lines.system("model_fallback", { original_model: "a", fallback_model: "b", content: "" })),
    ).toEqual({
      type: "agent.notice",
      level: "warning",
      message: "Claude Code turned from a to b.",
    });
    expect(
      event(lines.system("status", { compact_result: "failed", compact_error: "Too few." })),
    ).toMatchObject({
      message: "Claude Code could not compact the conversation: Too few.",
    });
  });

  it("of a denial by rule mark the call", () => {
    const protocol = running("allow-all");
    push(protocol, lines.system("permission_denied", { tool_use_id: "call-1" }));
    const step = protocol.push(lines.toolResult("call-1", "Not allowed.", { is_error: true }));
    expect(step.events).toMatchObject([{ status: "denied" }]);
  });

  it("that nobody knows are passed on", () => {
    expect(event(lines.system("brand_new"))).toMatchObject({ type: "agent.unknown" });
    expect(event(json({ type: "brand_new" }))).toMatchObject({ type: "agent.unknown" });
  });

  it("that cannot be read are passed on, cut at a bound", () => {
    expect(event("{nope")).toEqual({ type: "agent.unparsed", line: "{nope", bytes: 5, truncated: false });
    expect(event("[1]")).toMatchObject({ type: "agent.unparsed" });
    const long = `é😀${"x".repeat(5000)}`;
    expect(event(long)).toMatchObject({ bytes: Buffer.byteLength(long), truncated: true });
  });

  it("of a session's changes are told once", () => {
    const protocol = readyProtocol();
    expect(types(push(protocol, lines.init({ model: "a" }), lines.init({ model: "a" })))).toEqual([
      "session.started",
    ]);
    const servers = { model: "b", mcp_servers: [{ name: "x", status: "needs-auth" }] };
    expect(protocol.push(lines.init(servers)).events).toEqual([
      { type: "session.updated", model: "b", mcpServers: [{ name: "x", status: "needs_authentication" }] },
    ]);
  });
});
