import { describe, expect, it } from "vitest";
import { opencode } from "../../../../backends/opencode/index.ts";
import type { AgentEventBody, AgentExit, AgentProtocol, JsonObject, Step } from "../../../../src/kit.ts";
import {
  json,
  lines,
  nativeSessionId,
  opened,
  openedProtocol,
  own,
  prompt,
  promptTaken,
  protocolInput,
  readyProtocol,
  requestId,
  sent,
} from "./lines.ts";

const exit = (more: Partial<AgentExit> = {}): AgentExit => ({ code: 1, signal: null, stderr: "", ...more });
const pushAll = (protocol: AgentProtocol, ...pushed: readonly string[]): readonly AgentEventBody[] =>
  pushed.flatMap((line) => protocol.push(line).events ?? []);
const ended = (protocol: AgentProtocol, id: number, stopReason = "end_turn"): Step =>
  protocol.push(lines.answer(id, { stopReason }));

/** The answer that opens a session of a model with levels of thinking. */
const effort = (currentValue: string): JsonObject => ({
  ...opened,
  configOptions: [
    {
      id: "effort",
      category: "thought_level",
      type: "select",
      currentValue,
      options: ["default", "low", "high"].map((value) => ({ value })),
    },
  ],
});

describe("the handshake", () => {
  it("opens a session, and tells of it by the names that the caller uses", () => {
    expect(openedProtocol().step).toMatchObject({
      ready: true,
      nativeSessionId,
      events: [
        {
          type: "session.started",
          agent: "opencode",
          model: "m1",
          nativeSessionId,
          cwd: "/workspace",
          resumed: false,
        },
      ],
    });
  });

  it("fails where the plugin does not run: nothing would hold tool calls back", () => {
    for (const version of [undefined, 2]) {
      const protocol = opencode(own).protocol(protocolInput);
      const hello = protocol.open({});
      if (version !== undefined) protocol.push(lines.hello(version));
      const session = protocol.push(lines.answer(requestId(hello), { protocolVersion: 1 }));
      const step = protocol.push(lines.answer(requestId(session), opened));
      expect(step).toMatchObject({ startError: { code: "session_start_failed" }, closeStdin: true });
      expect(step.startError?.message).toContain("plugin");
      expect(step).not.toHaveProperty("ready");
    }
  });

  it("fails with OpenCode's own words, without their colours", () => {
    const protocol = opencode(own).protocol(protocolInput);
    protocol.open({});
    const stderr = "\u001b[91m\u001b[1mError: \u001b[0mConfiguration is invalid at /x\n";
    const { startError } = protocol.end(exit({ stderr }));
    expect(startError?.message).toBe(
      "OpenCode ended with exit code 1 before its session was ready: Error: Configuration is invalid at /x.",
    );
  });

  it("knows a session that is not there from other failures", () => {
    const resumed = (message: string): Step => {
      const protocol = opencode(own).protocol(protocolInput);
      const hello = protocol.open({ resume: { nativeSessionId: "ses_1", fork: false } });
      protocol.push(lines.hello());
      const agentCapabilities = { loadSession: true, sessionCapabilities: { resume: {} } };
      const able = lines.answer(requestId(hello), { protocolVersion: 1, agentCapabilities });
      const session = protocol.push(able);
      expect(sent(session)).toMatchObject([{ method: "session/resume", params: { sessionId: "ses_1" } }]);
      return protocol.push(lines.refusal(requestId(session), message));
    };
    expect(resumed("OpenCode service failure")).toMatchObject({ resumeLost: true });
    expect(resumed("Session not found: ses_1")).toMatchObject({ resumeLost: true });
    expect(resumed("No space left")).toMatchObject({ startError: { code: "session_start_failed" } });
  });

  it("takes back a level of thinking that OpenCode has chosen by itself", () => {
    const { protocol, step } = openedProtocol({}, effort("low"));
    expect(step).not.toHaveProperty("ready");
    expect(sent(step)).toMatchObject([
      { id: "playpen:effort", params: { configId: "effort", value: "default" } },
    ]);
    expect(protocol.push(lines.answer("playpen:effort", {}))).toMatchObject({ ready: true, nativeSessionId });
    expect(openedProtocol({}, effort("default")).step).toMatchObject({ ready: true });
  });

  it("asks for a level of thinking", () => {
    const { step } = openedProtocol({ thinking: "high" }, effort("low"));
    expect(step).not.toHaveProperty("ready");
    expect(sent(step)).toMatchObject([
      { method: "session/set_config_option", params: { configId: "effort", value: "high" } },
    ]);
  });
});

describe("an answer", () => {
  it("is told by the plugin, and ends with the answer to the prompt", () => {
    const protocol = readyProtocol();
    const id = promptTaken(protocol);
    const events = pushAll(
      protocol,
      lines.message("msg-1"),
      lines.textBegins("r1", { type: "reasoning" }),
      lines.delta("r1", "Hm."),
      lines.text("r1", "Hm.", { type: "reasoning" }),
      lines.textBegins("t1"),
      lines.delta("t1", "Hello "),
      // OpenCode takes the blanks off.
      lines.text("t1", "Hello"),
      lines.text("t2", "Whole."),
      // The protocol tells it once more, too late.
      lines.update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text: "Hello" } }),
      lines.idle(),
    );
    expect(events).toEqual([
      { type: "reasoning.delta", messageId: "r1", text: "Hm." },
      { type: "reasoning.completed", messageId: "r1", text: "Hm." },
      { type: "message.delta", messageId: "t1", text: "Hello " },
      { type: "message.completed", messageId: "t1", text: "Hello " },
      { type: "message.completed", messageId: "t2", text: "Whole." },
    ]);
    expect(ended(protocol, id).events).toEqual([{ type: "turn.completed", stopReason: "end_turn" }]);
  });

  it("leaves out what is not the agent's own words", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(
      pushAll(
        protocol,
        lines.text("t1", "Put into its mouth.", { synthetic: true }),
        lines.text("t2", "Not for the model.", { ignored: true }),
        lines.message("summary", { summary: true }),
        lines.text("t3", "A summary.", { messageID: "summary" }),
        lines.delta("unknown", "Of nothing that has begun."),
      ),
    ).toEqual([]);
  });

  it("adds up its requests, once each, those of sub-agents too", () => {
    const protocol = readyProtocol();
    const id = promptTaken(protocol);
    const tokens = { input: 10, output: 5, reasoning: 2, cache: { read: 3, write: 1 } };
    const events = pushAll(
      protocol,
      lines.message("a", { tokens: { input: 0, output: 0 } }),
      lines.message("a", { tokens, cost: 0.1 }),
      lines.message("a", { tokens, cost: 0.1 }),
      lines.message("b", { tokens, cost: 0.1, sessionID: "ses_below" }),
    );
    const one = {
      inputTokens: 10,
      outputTokens: 7,
      cacheReadTokens: 3,
      cacheWriteTokens: 1,
      reasoningTokens: 2,
    };
    const both = {
      inputTokens: 20,
      outputTokens: 14,
      cacheReadTokens: 6,
      cacheWriteTokens: 2,
      reasoningTokens: 4,
    };
    // What the caller's own model costs, OpenCode does not know.
    expect(events).toEqual([
      { type: "usage.updated", usage: one },
      { type: "usage.updated", usage: both },
    ]);
    expect(ended(protocol, id).events).toMatchObject([{ usage: both, numTurns: 2 }]);
    const next = promptTaken(protocol);
    expect(ended(protocol, next).events).toEqual([{ type: "turn.completed", stopReason: "end_turn" }]);
  });

  it("tells costs of models whose prices OpenCode knows", () => {
    const protocol = opencode({ model: "openai/gpt-5" }).protocol(protocolInput);
    const hello = protocol.open({});
    protocol.push(lines.hello());
    const session = protocol.push(lines.answer(requestId(hello), { protocolVersion: 1 }));
    protocol.push(lines.answer(requestId(session), { sessionId: nativeSessionId }));
    const id = promptTaken(protocol);
    const cost = 0.1;
    for (const message of ["a", "b", "c"])
      protocol.push(lines.message(message, { tokens: { input: 1 }, cost }));
    expect(ended(protocol, id).events).toMatchObject([{ type: "turn.completed", costUsd: 0.3 }]);
  });

  it.each([
    ["length", "max_tokens"],
    ["content-filter", "refusal"],
    ["stop", "end_turn"],
  ])("that the model ended with %s completes with %s", (finish, stopReason) => {
    const protocol = readyProtocol();
    const id = promptTaken(protocol);
    protocol.push(lines.message("a", { finish }));
    expect(ended(protocol, id).events).toMatchObject([{ type: "turn.completed", stopReason }]);
  });
});

describe("a prompt", () => {
  const written = (text: string, ...commands: readonly string[]): unknown => {
    const protocol = readyProtocol();
    protocol.push(
      lines.update({
        sessionUpdate: "available_commands_update",
        availableCommands: commands.map((name) => ({ name })),
      }),
    );
    return sent(prompt(protocol, text))[0]?.params?.["prompt"];
  };

  it("that begins like a command and is none is marked as words", () => {
    expect(written("/etc/hosts is odd")).toEqual([{ type: "text", text: "\u2060/etc/hosts is odd" }]);
    expect(written("/compact")).toEqual([{ type: "text", text: "/compact" }]);
    expect(written("/mine now", "mine")).toEqual([{ type: "text", text: "/mine now" }]);
    expect(written("1/2")).toEqual([{ type: "text", text: "1/2" }]);
  });
});

describe("a tool call", () => {
  it("is told with its output and exit code", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const input = { command: "echo out; exit 3" };
    expect(
      pushAll(
        protocol,
        lines.tool("c1", "bash", { status: "running", input }),
        lines.tool("c1", "bash", { status: "running", added: "out\n" }),
        lines.tool("c1", "bash", { status: "completed", input, output: "out\n", metadata: { exit: 3 } }),
        lines.tool("c2", "nothing", { status: "error", input: {}, error: "No such tool." }),
      ),
    ).toEqual([
      {
        type: "tool.started",
        toolCallId: "c1",
        name: "bash",
        kind: "execute",
        title: "echo out; exit 3",
        input,
      },
      { type: "tool.delta", toolCallId: "c1", output: "out\n" },
      {
        type: "tool.completed",
        toolCallId: "c1",
        status: "error",
        output: "out\n",
        content: { exit: 3 },
        exitCode: 3,
      },
      { type: "tool.started", toolCallId: "c2", name: "nothing", kind: "other", title: "nothing", input: {} },
      { type: "tool.completed", toolCallId: "c2", status: "error", output: "No such tool." },
    ]);
  });

  it("of a sub-agent has the call that runs it", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const metadata = { sessionId: "ses_below" };
    const events = pushAll(
      protocol,
      lines.tool("c1", "task", { status: "running", input: { description: "Look" }, metadata }),
      lines.tool("c2", "bash", { status: "running", input: { command: "ls" } }, { sessionID: "ses_below" }),
      lines.text("t1", "Below.", { sessionID: "ses_below" }),
    );
    expect(events).toMatchObject([
      { type: "tool.started", toolCallId: "c1", kind: "agent", title: "Look" },
      { type: "tool.started", toolCallId: "c2", parentToolCallId: "c1" },
      { type: "message.completed", text: "Below.", parentToolCallId: "c1" },
    ]);
  });

  it("of an MCP server has the name that rules are written with", () => {
    const server = { type: "stdio", command: "x" } as const;
    const protocol = readyProtocol({ mcpServers: { my: server, "my files": server } });
    promptTaken(protocol);
    const names = ["my_look", "my_files_look", "mything"].map((tool, index) => {
      const [event] = pushAll(
        protocol,
        lines.tool(`c${String(index)}`, tool, { status: "running", input: {} }),
      );
      return event?.type === "tool.started" ? [event.name, event.kind] : [];
    });
    expect(names).toEqual([
      ["mcp__my__look", "mcp"],
      ["mcp__my files__look", "mcp"],
      ["mything", "other"],
    ]);
  });

  it.each([
    ["write", { filePath: "/a", content: "x\n" }, { exists: false }, "added", "@@ -0,0 +1,1 @@\n+x\n"],
    ["write", { filePath: "/a", content: "x" }, { exists: true }, "modified", undefined],
    ["edit", { filePath: "/a", oldString: "x" }, { diff: "D" }, "modified", "D"],
    ["edit", { filePath: "/a", oldString: "" }, { diff: "D" }, "added", "D"],
    ["apply_patch", {}, { files: [{ filePath: "/a", type: "delete" }] }, "deleted", undefined],
  ])("%s tells what becomes of the file", (tool, input, metadata, change, diff) => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const line = lines.tool("c1", tool, { status: "completed", input, output: "", metadata });
    const event = pushAll(protocol, line).find(({ type }) => type === "file.changed");
    expect(event).toMatchObject({ type: "file.changed", path: "/a", change, toolCallId: "c1" });
    if (diff === undefined) expect(event).not.toHaveProperty("diff");
    else expect(event).toMatchObject({ diff: expect.stringContaining(diff) as unknown });
  });

  it("that moves a file deletes one and adds one", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const files = [{ filePath: "/a", movePath: "/b", type: "move", patch: "D" }];
    const line = lines.tool("c1", "apply_patch", { status: "completed", input: {}, metadata: { files } });
    expect(pushAll(protocol, line)).toMatchObject([
      { type: "tool.started" },
      { type: "file.changed", path: "/a", change: "deleted" },
      { type: "file.changed", path: "/b", change: "added", diff: "D" },
      { type: "tool.completed", status: "ok" },
    ]);
  });
});

describe("what else the plugin tells", () => {
  it("is a plan, a compaction, servers that do not start", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const sessionID = nativeSessionId;
    const todos = [
      { content: "Look", status: "completed", priority: "high" },
      { content: "Lag", status: "cancelled" },
      { content: "Leap", status: "odd" },
    ];
    expect(
      pushAll(
        protocol,
        lines.event("todo.updated", { sessionID, todos }),
        lines.event("message.part.updated", { part: { type: "compaction", auto: true } }),
        lines.event("session.compacted", { sessionID }),
        lines.event("session.compacted", { sessionID }),
        lines.event("session.compacted", { sessionID: "ses_below" }),
        lines.prompted({ good: { status: "connected" }, bad: { status: "failed", error: "No." } }),
      ),
    ).toEqual([
      {
        type: "plan.updated",
        entries: [
          { content: "Look", status: "completed", priority: "high" },
          { content: "Leap", status: "pending" },
        ],
      },
      { type: "context.compacted", trigger: "auto" },
      { type: "context.compacted", trigger: "unknown" },
      {
        type: "session.updated",
        mcpServers: [
          { name: "good", status: "connected" },
          { name: "bad", status: "failed", message: "No." },
        ],
      },
      {
        type: "agent.notice",
        level: "warning",
        message: 'The MCP server "bad" could not be started: No.',
      },
    ]);
  });

  it("is unknown where its kind is", () => {
    const protocol = readyProtocol();
    for (const line of [
      lines.event("session.invented", {}),
      json({ jsonrpc: "2.0", method: "_playpen/invented", params: {} }),
      json({ jsonrpc: "2.0", method: "session/invented", params: {} }),
    ]) {
      expect(protocol.push(line)).toMatchObject({ events: [{ type: "agent.unknown" }], background: true });
    }
    expect(protocol.push("nothing").events).toMatchObject([{ type: "agent.unparsed", line: "nothing" }]);
  });
});

describe("a failure", () => {
  const failedTurn = (error: JsonObject): unknown => {
    const protocol = readyProtocol();
    const id = promptTaken(protocol);
    protocol.push(lines.failed(error));
    const [event] = protocol.push(lines.refusal(id, "Internal error: said later")).events ?? [];
    return event?.type === "turn.failed" ? event.error : event;
  };

  it.each([
    [{ name: "APIError", data: { message: "Slow down", statusCode: 429 } }, "rate_limited", 429],
    [{ name: "APIError", data: { message: "Oops", statusCode: 500 } }, "model_error", 500],
    [{ name: "APIError", data: { message: "No", statusCode: 401 } }, "authentication_failed", 401],
    [{ name: "ProviderAuthError", data: { message: "No key" } }, "authentication_failed", undefined],
    [{ name: "ContextOverflowError", data: { message: "Too long" } }, "context_too_long", undefined],
    [{ name: "ProviderModelNotFoundError", data: {} }, "model_not_found", undefined],
  ])("%j has its code", (error, code, status) => {
    expect(failedTurn(error)).toMatchObject({ code, ...(status === undefined ? {} : { status }) });
  });

  it("that the plugin did not tell has the protocol's words", () => {
    const protocol = readyProtocol();
    const id = promptTaken(protocol);
    expect(protocol.push(lines.refusal(id, "Internal error: Odd.")).events).toMatchObject([
      { type: "turn.failed", error: { code: "agent_error", message: "Odd." } },
    ]);
  });

  it("of a sub-agent is none of the turn's", () => {
    const protocol = readyProtocol();
    const id = promptTaken(protocol);
    protocol.push(lines.event("session.error", { sessionID: "ses_below", error: { name: "UnknownError" } }));
    expect(ended(protocol, id).events).toMatchObject([{ type: "turn.completed" }]);
  });

  it("that may pass is a retry, which breaks the answer off", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(
      pushAll(
        protocol,
        lines.textBegins("t1"),
        lines.delta("t1", "Now it"),
        lines.event("session.status", { attempt: 2, message: "429 Slow down", delayMs: 1000.4 }),
        lines.text("t1", ""),
      ),
    ).toEqual([
      { type: "message.delta", messageId: "t1", text: "Now it" },
      { type: "message.completed", messageId: "t1", text: "Now it" },
      {
        type: "agent.retrying",
        attempt: 2,
        delayMs: 1000,
        status: 429,
        reason: "rate_limit",
        message: "429 Slow down",
      },
    ]);
  });

  it("of the process ends the turn, once", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(protocol.end(exit({ code: null, signal: "SIGKILL" })).events).toMatchObject([
      { type: "turn.failed", error: { code: "agent_exited", signal: "SIGKILL" } },
    ]);
    expect(protocol.end(exit()).events ?? []).toEqual([]);
  });

  it("of the process is not explained by what OpenCode says of the plugin's questions", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const stderr = "Got response to unknown request playpen:1.1\nOut of memory\n";
    expect(protocol.end(exit({ stderr })).events).toMatchObject([
      { type: "turn.failed", error: { stderr: "Out of memory" } },
    ]);
  });
});

describe("an interruption", () => {
  it("cancels by the protocol", () => {
    const protocol = readyProtocol();
    const id = promptTaken(protocol);
    expect(sent(protocol.interrupt())).toMatchObject([{ method: "session/cancel" }]);
    protocol.push(lines.tool("c1", "bash", { status: "running", input: { command: "sleep 9" } }));
    expect(
      pushAll(protocol, lines.tool("c1", "bash", { status: "completed", metadata: { exit: null } })),
    ).toMatchObject([{ type: "tool.completed", status: "interrupted" }]);
    protocol.push(lines.failed({ name: "MessageAbortedError" }));
    expect(ended(protocol, id, "cancelled").events).toMatchObject([{ type: "turn.interrupted", by: "host" }]);
  });

  it("goes before the answers to what is open", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    promptTaken(protocol);
    protocol.push(lines.permission("playpen:1.1", "c1"));
    protocol.push(lines.question("playpen:1.2", [{ question: "Which?" }]));
    const step = protocol.interrupt();
    expect(sent(step)).toMatchObject([
      { method: "session/cancel" },
      { id: "playpen:1.1", result: { outcome: "deny" } },
      { id: "playpen:1.2", result: {} },
    ]);
    expect(step.events).toMatchObject([
      { type: "permission.resolved", requestId: "request-1", outcome: "cancelled", by: "interrupt" },
      { type: "permission.resolved", requestId: "request-2", outcome: "cancelled", by: "interrupt" },
    ]);
  });
});

describe("requests of the host", () => {
  it("set the model, by the name that the caller uses", () => {
    const protocol = readyProtocol();
    const step = protocol.request!({ id: "h1", type: "set_model", model: "m2" });
    expect(sent(step)).toMatchObject([
      { method: "session/set_config_option", params: { configId: "model", value: "playpen/m2" } },
    ]);
  });

  it("list the models", () => {
    expect(readyProtocol().request!({ id: "h1", type: "list_models" })).toMatchObject({
      responses: [{ id: "h1", models: [{ id: "m1", isDefault: true }, { id: "m2" }] }],
    });
  });

  it("cannot steer", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const content = [{ type: "text", text: "Rather so." }] as const;
    const [response] = protocol.request!({ id: "h1", type: "steer", content }).responses ?? [];
    expect(response?.error).toBeDefined();
  });
});
