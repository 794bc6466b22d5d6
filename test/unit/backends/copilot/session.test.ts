import { describe, expect, it } from "vitest";
import { copilot } from "../../../../backends/copilot/index.ts";
import type { Step } from "../../../../src/kit.ts";
import {
  answer,
  asks,
  event,
  promptTaken,
  protocolInput,
  readyProtocol,
  refusal,
  sent,
  sessionId,
} from "./server.ts";

const exited = { code: 1, signal: null, stderr: "" } as const;

function opened(): { readonly protocol: ReturnType<typeof readyProtocol>; readonly connect: number } {
  const protocol = copilot().protocol(protocolInput);
  return { protocol, connect: sent(protocol.open({}))[0]!.id };
}

describe("the handshake", () => {
  it("creates the session under the library's id, with what the session wants", () => {
    const protocol = copilot({ excludedTools: ["web_fetch"], customInstructions: false }).protocol({
      ...protocolInput,
      permissions: "ask",
      systemPrompt: { replace: "Only this." },
      thinking: "high",
      allowedTools: ["bash"],
      skills: [{ name: "greet", files: { "SKILL.md": "x" } }],
      mcpServers: { echo: { type: "stdio", command: "echo" } },
    });
    const connect = sent(protocol.open({}))[0]!.id;
    expect(sent(protocol.push(answer(connect, { protocolVersion: 3 })))).toMatchObject([
      {
        method: "session.create",
        params: {
          sessionId,
          workingDirectory: "/workspace",
          model: "gpt-5.4",
          hooks: true,
          requestPermission: true,
          requestUserInput: true,
          enableFileHooks: false,
          enableSessionTelemetry: false,
          reasoningEffort: "high",
          availableTools: ["bash"],
          excludedTools: ["web_fetch"],
          skipCustomInstructions: true,
          skillDirectories: [`/state/sessions/${sessionId}/.github/skills`],
          systemMessage: { mode: "replace", content: "Only this." },
          mcpServers: { echo: { type: "stdio", command: "echo", args: [], env: {}, tools: ["*"] } },
        },
      },
    ]);
  });

  it("does not speak with a server of another version", () => {
    const { protocol, connect } = opened();
    const step = protocol.push(answer(connect, { protocolVersion: 4, version: "2.0.0" }));
    expect(step).toMatchObject({ startError: { code: "protocol_error" } });
    expect(step.startError?.message).toContain("2.0.0 speaks version 4");
  });

  it("tells why there is no session", () => {
    const { protocol, connect } = opened();
    const create = sent(protocol.push(answer(connect, { protocolVersion: 3 })))[0]!.id;
    const message = "Request session.create failed with message: Authentication failed: no such token";
    expect(protocol.push(refusal(create, message))).toMatchObject({
      startError: { code: "authentication_failed", message: "Authentication failed: no such token" },
    });
  });

  it("tells why the CLI did not start", () => {
    const { protocol } = opened();
    const stderr = "BYOK providers require an explicit model. Run `copilot help providers`.";
    expect(protocol.end({ ...exited, stderr })).toMatchObject({ startError: { code: "model_not_found" } });
  });

  it.each([
    ["sessions.fork", "Failed to load session events: Session not found: gone"],
    ["session.resume", "Failed to load session events: Session not found: gone"],
    ["session.resume", "Rejected session.resume request with invalid sessionId: gone"],
  ])("gives a session up for lost when %s says: %s", (method, words) => {
    const protocol = copilot().protocol(protocolInput);
    const fork = method === "sessions.fork";
    const connect = sent(protocol.open({ resume: { nativeSessionId: "gone", fork } }))[0]!.id;
    const [request] = sent(protocol.push(answer(connect, { protocolVersion: 3 })));
    expect(request).toMatchObject({ method, params: { sessionId: "gone" } });
    const step = protocol.push(refusal(request!.id, words));
    expect(step).toMatchObject({ resumeLost: true });
    expect(step).not.toHaveProperty("startError");
  });

  it("keeps the model that was set for the next process", () => {
    const protocol = readyProtocol();
    const set = sent(protocol.request!({ id: "host-1", type: "set_model", model: "gpt-6" }))[0]!;
    expect(set).toMatchObject({ method: "session.model.switchTo", params: { modelId: "gpt-6" } });
    expect(protocol.push(answer(set.id, { status: "applied" }))).toMatchObject({
      responses: [{ id: "host-1" }],
      events: [{ type: "session.updated", model: "gpt-6" }],
    });
    protocol.end(exited);
    const connect = sent(protocol.open({ resume: { nativeSessionId: sessionId, fork: false } }))[0]!.id;
    expect(sent(protocol.push(answer(connect, { protocolVersion: 3 })))).toMatchObject([
      { method: "session.resume", params: { model: "gpt-6" } },
    ]);
  });
});

describe("a turn", () => {
  it("fails when the server does not take the prompt", () => {
    const protocol = readyProtocol();
    const send = sent(protocol.prompt({ turnId: "t", content: [{ type: "text", text: "Hi" }] }))[0]!.id;
    expect(protocol.push(refusal(send, "Request session.send failed with message: Too busy"))).toMatchObject({
      events: [{ type: "turn.failed", error: { message: "Too busy" } }],
    });
  });

  it("fails with what was said before the prompt was even taken up", () => {
    const protocol = readyProtocol();
    const send = sent(protocol.prompt({ turnId: "t", content: [{ type: "text", text: "Hi" }] }))[0]!.id;
    protocol.push(answer(send, { messageId: "m" }));
    protocol.push(event("session.error", { errorType: "query", message: "No GitHub OAuth token" }));
    expect(protocol.push(event("assistant.idle"))).toMatchObject({
      events: [{ type: "turn.failed", error: { message: "No GitHub OAuth token" } }],
    });
  });

  it("is not ended by what the agent did before", () => {
    const protocol = readyProtocol();
    protocol.push(event("assistant.turn_start"));
    const send = sent(protocol.prompt({ turnId: "t", content: [{ type: "text", text: "Hi" }] }))[0]!.id;
    protocol.push(answer(send, { messageId: "m" }));
    const early = protocol.push(event("assistant.message", { messageId: "b", content: "By the way" }));
    expect(early).toMatchObject({ background: true });
    expect(protocol.push(event("assistant.idle")).events ?? []).toEqual([]);
    protocol.push(event("user.message", { messageId: "m", content: "Hi" }));
    protocol.push(event("assistant.turn_start"));
    const words = protocol.push(event("assistant.message", { messageId: "a", content: "Hello" }));
    expect(words).not.toHaveProperty("background");
    expect(protocol.push(event("assistant.idle")).events).toMatchObject([{ type: "turn.completed" }]);
  });

  it("is recognized when its prompt is taken up before the server has answered it", () => {
    const protocol = readyProtocol();
    const send = sent(protocol.prompt({ turnId: "t", content: [{ type: "text", text: "Hi" }] }))[0]!.id;
    protocol.push(event("user.message", { messageId: "m", content: "Hi, as the server puts it" }));
    protocol.push(answer(send, { messageId: "m" }));
    const words = protocol.push(event("assistant.message", { messageId: "a", content: "Hello" }));
    expect(words).not.toHaveProperty("background");
  });

  it("ends as interrupted by the agent when nobody has asked for it", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(protocol.push(event("assistant.idle", { aborted: true })).events).toMatchObject([
      { type: "turn.interrupted", by: "agent" },
    ]);
  });

  it.each([
    ["length", "max_tokens"],
    ["content_filter", "refusal"],
    ["stop", "end_turn"],
    ["__proto__", "end_turn"],
  ])("with the finish reason %s stops for %s", (finishReason, stopReason) => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(event("assistant.usage", { inputTokens: 1, outputTokens: 1, finishReason }));
    expect(protocol.push(event("assistant.idle")).events).toMatchObject([{ stopReason }]);
  });
});

describe("an interrupt", () => {
  const methods = (step: Step): readonly string[] => sent(step).map(({ method }) => method);

  it("waits until the agent can be stopped, and is repeated until it has stopped", () => {
    const protocol = readyProtocol();
    const send = sent(protocol.prompt({ turnId: "t", content: [{ type: "text", text: "Hi" }] }))[0]!.id;
    // A line all the same: without one the process would be signalled.
    expect(methods(protocol.interrupt())).toEqual(["ping"]);
    protocol.push(answer(send, { messageId: "m" }));
    expect(methods(protocol.push(event("user.message", { messageId: "m" })))).toEqual([]);
    const step = protocol.push(event("assistant.turn_start"));
    expect(methods(step)).toEqual(["session.abort"]);
    expect(step.wakeAfterMs).toBeGreaterThan(0);
    expect(methods(protocol.tick())).toEqual(["session.abort"]);
    expect(protocol.push(event("assistant.idle", { aborted: true })).events).toMatchObject([
      { type: "turn.interrupted", by: "host" },
    ]);
    expect(protocol.tick()).toEqual({});
  });

  it("comes to nothing without a turn", () => {
    expect(readyProtocol().interrupt()).toEqual({});
  });

  it("is a turn's that ends with its process", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.interrupt();
    expect(protocol.end(exited).events).toEqual([{ type: "turn.interrupted", by: "host" }]);
  });
});

describe("permissions", () => {
  const hook = (id: number, toolName: string, toolArgs: unknown): string =>
    asks(id, "hooks.invoke", { hookType: "preToolUse", input: { toolName, toolArgs } });
  const outputOf = (step: Step): unknown =>
    (JSON.parse(step.write?.[0] ?? "{}") as { result?: { output?: unknown } }).result?.output;

  it("answers hooks of other kinds at once, with nothing", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    const step = protocol.push(asks(1, "hooks.invoke", { hookType: "sessionStart", input: {} }));
    expect(outputOf(step)).toEqual({});
    expect(step.events ?? []).toEqual([]);
  });

  it("asks the host, and no answer is no consent", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    promptTaken(protocol);
    const step = protocol.push(hook(7, "bash", { command: "ls" }));
    expect(step.write ?? []).toEqual([]);
    expect(step.events).toMatchObject([
      { type: "permission.requested", tool: { name: "bash", kind: "execute" } },
    ]);
  });

  it("takes the host's changed input in the form of the tool", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    promptTaken(protocol);
    const patch = "*** Begin Patch\n*** Update File: a.txt\n*** Move to: b.txt\n*** End Patch";
    const [requested] = protocol.push(hook(7, "apply_patch", patch)).events ?? [];
    if (requested?.type !== "permission.requested") throw new Error("nothing was asked");
    expect(requested.tool.input).toEqual({ input: patch, changes: [{ path: "a.txt" }, { path: "b.txt" }] });
    const { requestId } = requested;
    const updatedInput = { input: "*** Begin Patch\n*** End Patch" };
    expect(
      outputOf(protocol.reply({ type: "permission", requestId, outcome: "allow", updatedInput })),
    ).toEqual({
      permissionDecision: "allow",
      modifiedArgs: "*** Begin Patch\n*** End Patch",
    });
    expect(protocol.reply({ type: "permission", requestId, outcome: "allow" })).toEqual({});
  });

  it("tells two calls of the same tool apart by what they are called with", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    promptTaken(protocol);
    for (const [toolCallId, command] of [
      ["call-1", "one"],
      ["call-2", "two"],
      ["call-3", "two"],
    ]) {
      protocol.push(event("tool.execution_start", { toolCallId, toolName: "bash", arguments: { command } }));
    }
    const ids = ["two", "two", "one", "three"].map((command, index) => {
      const [requested] = protocol.push(hook(index, "bash", { command })).events ?? [];
      return requested?.type === "permission.requested" ? requested.tool.toolCallId : "nothing";
    });
    expect(ids).toEqual(["call-2", "call-3", "call-1", undefined]);
  });

  const asked = (permissionRequest: object): string =>
    event("permission.requested", { requestId: "p-1", permissionRequest });

  it("puts to the host what the CLI asks besides", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    promptTaken(protocol);
    const step = protocol.push(asked({ kind: "url", url: "https://example.com", toolCallId: "call-9" }));
    expect(step.write ?? []).toEqual([]);
    const [requested] = step.events ?? [];
    expect(requested).toMatchObject({
      type: "permission.requested",
      tool: { name: "web_fetch", kind: "fetch", input: { url: "https://example.com" } },
    });
    if (requested?.type !== "permission.requested") return;
    const { requestId } = requested;
    expect(
      sent(protocol.reply({ type: "permission", requestId, outcome: "deny", message: "No." })),
    ).toMatchObject([
      {
        method: "session.permissions.handlePendingPermissionRequest",
        params: { requestId: "p-1", result: { kind: "reject", feedback: "No." } },
      },
    ]);
  });

  it("does not ask again about a call that the host has allowed", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    promptTaken(protocol);
    const args = { command: "curl https://example.com" };
    protocol.push(event("tool.execution_start", { toolCallId: "call-1", toolName: "bash", arguments: args }));
    const [requested] = protocol.push(hook(1, "bash", args)).events ?? [];
    if (requested?.type !== "permission.requested") throw new Error("nothing was asked");
    protocol.reply({ type: "permission", requestId: requested.requestId, outcome: "allow" });
    const step = protocol.push(asked({ kind: "url", url: "https://example.com", toolCallId: "call-1" }));
    expect(sent(step)).toMatchObject([{ params: { result: { kind: "approve-once" } } }]);
    const other = protocol.push(asked({ kind: "url", url: "https://example.com", toolCallId: "call-2" }));
    expect(sent(other)).toEqual([]);
  });

  it("rejects where all is denied, allows where all is allowed", () => {
    const request = { kind: "shell", fullCommandText: "ls", toolCallId: "call-1" };
    const rejected = sent(readyProtocol({ permissions: "deny-all" }).push(asked(request)));
    expect(rejected).toMatchObject([{ params: { result: { kind: "reject" } } }]);
    const allowed = sent(readyProtocol().push(asked(request)));
    expect(allowed).toMatchObject([{ params: { result: { kind: "approve-once" } } }]);
    expect(outputOf(readyProtocol({ permissions: "deny-all" }).push(hook(1, "view", {})))).toMatchObject({
      permissionDecision: "deny",
    });
  });
});

describe("what the server wants besides", () => {
  it("is refused, and told", () => {
    const step = readyProtocol().push(asks(5, "exitPlanMode.request", {}));
    expect(JSON.parse(step.write?.[0] ?? "{}")).toMatchObject({ id: 5, error: { code: -32601 } });
    expect(step.events).toMatchObject([{ type: "agent.unknown" }]);
  });

  it("answers questions by itself where nobody is there", () => {
    const step = readyProtocol({ answersQuestions: false }).push(
      asks(5, "userInput.request", { question: "Why?" }),
    );
    expect(JSON.parse(step.write?.[0] ?? "{}")).toMatchObject({ id: 5, result: { wasFreeform: true } });
    expect(step.events ?? []).toEqual([]);
  });

  it("keeps out what other sessions of the server say", () => {
    const line = event("assistant.message", { messageId: "m", content: "Elsewhere" }).replace(
      sessionId,
      "other",
    );
    expect(readyProtocol().push(line).events ?? []).toEqual([]);
  });

  it("tells of events nobody knows", () => {
    expect(readyProtocol().push(event("session.invented")).events).toMatchObject([{ type: "agent.unknown" }]);
    expect(readyProtocol().push(event("session.warning", { message: "Careful" })).events).toEqual([
      { type: "agent.notice", level: "warning", message: "Careful" },
    ]);
  });
});
