import { describe, expect, it } from "vitest";
import type { AgentEventBody } from "../../../../src/kit.ts";
import { PresetAgent, requests, working } from "./agent.ts";

const types = (events: readonly AgentEventBody[] = []): readonly string[] => events.map(({ type }) => type);

describe("codex", () => {
  it("says a warning in the model's name, and it is a notice", () => {
    expect(working("codex").say("Warning: Something is odd.\n\n").events).toEqual([
      { type: "agent.notice", level: "warning", message: "Something is odd." },
    ]);
    expect(types(working("codex").say("Warning: mind the gap.").events)).toEqual(["message.delta"]);
  });

  it.each([
    ["exceeded retry limit, last status: 429 Too Many Requests", "rate_limited"],
    ["stream disconnected before completion: error sending request", "network_error"],
    ["We’re currently experiencing high demand, which may cause temporary errors.", "model_error"],
    ["It did not feel like it.", "agent_error"],
  ])("tells errors as text: %s", (message, code) => {
    const agent = working("codex");
    agent.say("Begun.");
    agent.update("tool_call", { toolCallId: "c", status: "completed" });
    agent.say(`${message}\n\n`);
    expect(agent.end({ usage: null }).at(-1)).toMatchObject({
      type: "turn.failed",
      error: { code, message },
    });
  });

  it.each(["It did not feel like it.\n\n", "exceeded retry limit"])(
    "leaves the model the words %j",
    (text) => {
      const agent = working("codex");
      agent.say(text);
      expect(agent.end({ usage: { inputTokens: 5, outputTokens: 1 } }).at(-1)).toMatchObject({
        type: "turn.completed",
      });
    },
  );

  it("calls the tools of MCP servers by their names", () => {
    const { events } = working("codex").update("tool_call", {
      ...{ toolCallId: "c", kind: "execute", title: "mcp.echo.say", status: "in_progress" },
      ...{ rawInput: { server: "echo", tool: "say", arguments: { text: "hi" } } },
      _meta: { is_mcp_tool_call: true },
    });
    expect(events).toMatchObject([{ name: "mcp__echo__say", kind: "mcp", input: { text: "hi" } }]);
  });
});

describe("copilot", () => {
  it.each([
    [
      "Info: Request failed due to a transient API error. Retrying...",
      "warning",
      "Request failed due to a transient API error. Retrying...",
    ],
    ["Info: /workspace/made.txt", "info", "/workspace/made.txt"],
    [
      "Warning: 1 tool call(s) had no recorded result at resume. Verify.",
      "warning",
      "1 tool call(s) had no recorded result at resume. Verify.",
    ],
  ])("says %j in the model's name, and it is a notice", (text, level, message) => {
    expect(working("copilot").say(text).events).toEqual([{ type: "agent.notice", level, message }]);
  });

  it.each(["Info: it is late.", "Warning: mind the gap.", "The Info: /x"])(
    "leaves the model the words %j",
    (text) => {
      expect(types(working("copilot").say(text).events)).toEqual(["message.delta"]);
    },
  );

  it("tells errors as text: those that cost nothing, and those in its own words", () => {
    const unused = working("copilot");
    unused.say("Error: 400 That is no request.");
    expect(unused.end()).toContainEqual(
      expect.objectContaining({
        type: "turn.failed",
        error: expect.objectContaining({ status: 400 }) as unknown,
      }),
    );
    const used = working("copilot");
    used.say("Error: Failed to get response from the AI model; retried 5 times Last error: 429 slow down");
    expect(used.end({ usage: { inputTokens: 5, outputTokens: 1 } }).at(-1)).toMatchObject({
      type: "turn.failed",
      error: { code: "rate_limited", message: "429 slow down" },
    });
  });

  it("takes the figures of the process, so that a turn without any was not answered", () => {
    const agent = working("copilot");
    agent.say("Fine.");
    expect(agent.end({ usage: { inputTokens: 8, outputTokens: 7 } }).at(-1)).toMatchObject({
      type: "turn.completed",
      usage: { inputTokens: 8, outputTokens: 7 },
    });
    agent.prompt();
    agent.say("Error: 500 internal error");
    expect(agent.end({ usage: { inputTokens: 8, outputTokens: 7 } }).at(-1)).toMatchObject({
      type: "turn.failed",
      error: { code: "model_error" },
    });
  });

  it("lets the model say that there was an error", () => {
    const agent = working("copilot");
    agent.say("Error: the file is missing.");
    expect(agent.end({ usage: { inputTokens: 8, outputTokens: 7 } }).at(-1)).toMatchObject({
      type: "turn.completed",
      text: "Error: the file is missing.",
    });
  });

  it("entitles a command with the command, and knows a tool of a server by the call's first title", () => {
    const asking = working(
      "copilot",
      { asksForEveryCall: true },
      {
        permissions: "ask",
        mcpServers: { echo: { type: "stdio", command: "echo" } },
      },
    );
    const rawInput = { command: "ls", description: "Run a command" };
    const call = { toolCallId: "c", title: "Run a command", kind: "execute", status: "pending", rawInput };
    expect(asking.update("tool_call", call).events).toMatchObject([{ type: "tool.started", title: "ls" }]);
    asking.update("tool_call", {
      toolCallId: "d",
      title: "echo-echo",
      kind: "other",
      rawInput: { text: "hi" },
    });
    const params = {
      toolCall: { toolCallId: "d", title: "echo", kind: "other", rawInput: { text: "hi" } },
      options: [],
    };
    expect(asking.line({ id: 0, method: "session/request_permission", params }).events).toMatchObject([
      { type: "permission.requested", tool: { name: "echo-echo", kind: "mcp" } },
    ]);
  });
});

describe("gemini", () => {
  it("counts a turn by the metadata of its answer", () => {
    const agent = working("gemini");
    agent.say("Hi.");
    const quota = { token_count: { input_tokens: 100, output_tokens: 10 } };
    expect(agent.end({ _meta: { quota } }).at(-1)).toMatchObject({
      usage: { inputTokens: 100, outputTokens: 10 },
    });
  });

  it("has thoughts, one in each chunk, under a heading that may be empty", () => {
    const agent = working("gemini");
    expect(agent.say("****\nLet me see.", "agent_thought_chunk").events).toMatchObject([
      { type: "reasoning.delta", text: "Let me see." },
      { type: "reasoning.completed" },
    ]);
  });

  it.each([
    [
      "run_shell_command__1",
      "execute",
      "ls -l",
      [],
      { name: "run_shell_command", kind: "execute", input: { command: "ls -l" } },
    ],
    [
      "mcp_echo_echo__1",
      "other",
      "echo (echo MCP Server)",
      ['{"text":"hi"}'],
      { name: "mcp_echo_echo", kind: "mcp", input: { text: "hi" } },
    ],
    [
      "mcp_echo_echo__2",
      "other",
      "echo (echo MCP Server)",
      ["no JSON"],
      { name: "mcp_echo_echo", kind: "mcp", input: {} },
    ],
    ["read_file__1", "read", "notes.txt", [], { name: "read_file", kind: "read" }],
    ["1", "read", "notes.txt", [], { name: "read", kind: "read" }],
  ])("names the tool of %s before the call's id", (toolCallId, kind, title, texts, facts) => {
    const content = texts.map((text) => ({ type: "content", content: { type: "text", text } }));
    const call = { toolCallId, kind, title, status: "in_progress", content };
    expect(working("gemini").update("tool_call", call).events).toMatchObject([
      { type: "tool.started", ...facts },
    ]);
  });
});

describe("opencode", () => {
  const started = { toolCallId: "c", title: "write", kind: "edit", status: "pending", rawInput: {} };
  const done = (rawInput: object, metadata: object): readonly AgentEventBody[] => {
    const agent = working("opencode");
    agent.update("tool_call", started);
    const update = {
      toolCallId: "c",
      status: "completed",
      title: "a/b",
      rawInput,
      rawOutput: { output: "", metadata },
    };
    return agent.update("tool_call_update", update).events ?? [];
  };

  it("names a call's tool by the title that it had at first", () => {
    const agent = working("opencode");
    agent.update("tool_call", { ...started, title: "bash", kind: "execute" });
    const update = { toolCallId: "c", status: "in_progress", title: "ls", rawInput: { command: "ls" } };
    expect(agent.update("tool_call_update", update).events).toMatchObject([
      { type: "tool.started", name: "bash", title: "ls", kind: "execute" },
    ]);
  });

  it.each([
    [{}, { filepath: "/a", exists: false }, [{ path: "/a", change: "added" }]],
    [{}, { filepath: "/a", exists: true }, [{ path: "/a", change: "modified" }]],
    [
      { oldString: "x" },
      { filediff: { file: "/a" }, diff: "@@" },
      [{ path: "/a", change: "modified", diff: "@@" }],
    ],
    [{ oldString: "" }, { filediff: { file: "/a" } }, [{ path: "/a", change: "added" }]],
    [
      {},
      {
        files: [
          { filePath: "/a", type: "add", patch: "+1" },
          { filePath: "/b", type: "delete" },
          { filePath: "/c", type: "update", diff: "" },
          { filePath: "/d", type: "move", movePath: "/e" },
          { type: "add" },
        ],
      },
      [
        { path: "/a", change: "added", diff: "+1" },
        { path: "/b", change: "deleted" },
        { path: "/c", change: "modified" },
        { path: "/d", change: "deleted" },
        { path: "/e", change: "added" },
      ],
    ],
    [{}, {}, []],
  ])("tells of files by the result of %j: %j", (rawInput, metadata, changes) => {
    const told = done(rawInput, metadata).filter(({ type }) => type === "file.changed");
    expect(told).toEqual(changes.map((change) => ({ type: "file.changed", toolCallId: "c", ...change })));
  });

  it.each([
    ["ProviderAuthError", "no key", "authentication_failed"],
    ["ContextOverflowError", "too long", "context_too_long"],
    ["APIError", "Rate limit exceeded", "rate_limited"],
    ["APIError", "it broke", "model_error"],
    ["OtherError", "what", "agent_error"],
  ])("tells an API's error by the name %s and words", (errorName, words, code) => {
    const error = { code: -32603, message: `Internal error: ${words}`, data: { errorName } };
    expect(working("opencode").fail(error)).toMatchObject([
      { type: "turn.failed", error: { code, message: words } },
    ]);
  });

  it("answers for a session that it does not have like for a failure", () => {
    const agent = new PresetAgent("opencode");
    const [initialize] = requests(agent.protocol.open({ resume: { nativeSessionId: "x", fork: false } }));
    const agentCapabilities = { loadSession: true };
    const [load] = requests(
      agent.line({ id: initialize?.id, result: { protocolVersion: 1, agentCapabilities } }),
    );
    const error = { code: -32603, message: "OpenCode service failure" };
    expect(agent.line({ id: load?.id, error })).toMatchObject({ resumeLost: true });
  });
});

describe("qwen", () => {
  const resume = { nativeSessionId: "native", fork: false };
  const modes = { availableModes: [{ id: "yolo" }, { id: "plan" }], currentModeId: "yolo" };
  const text = (words: string): object => ({ type: "content", content: { type: "text", text: words } });
  const ended = (code: string): object => ({
    toolCallId: "c",
    status: "completed",
    content: [
      text(`Command: x\nDirectory: (root)\nOutput: out\nError: (none)\nExit Code: ${code}\nSignal: 0\n`),
    ],
    _meta: { toolName: "run_shell_command" },
    rawOutput: "out",
  });

  it("tells how a command ended only in the text for the model", () => {
    const agent = working("qwen");
    expect(agent.update("tool_call_update", ended("3")).events?.at(-1)).toMatchObject({
      type: "tool.completed",
      status: "error",
      exitCode: 3,
      output: "out",
    });
    expect(working("qwen").update("tool_call_update", ended("0")).events?.at(-1)).toMatchObject({
      status: "ok",
      exitCode: 0,
      output: "out",
    });
    expect(working("qwen").update("tool_call_update", ended("(none)")).events?.at(-1)).toMatchObject({
      output: "out",
    });
  });

  it("loads any session: only its history shows that it had it", () => {
    const agent = new PresetAgent("qwen");
    expect(agent.open({ modes }, resume)).toMatchObject({ wakeAfterMs: expect.any(Number) as number });
    expect(agent.protocol.tick()).toEqual({ resumeLost: true });
  });

  it("has a session of which it told the history", () => {
    const agent = new PresetAgent("qwen");
    const [initialize] = requests(agent.protocol.open({ resume }));
    const agentCapabilities = { loadSession: true, sessionCapabilities: { resume: {} } };
    const [load] = requests(
      agent.line({ id: initialize?.id, result: { protocolVersion: 1, agentCapabilities } }),
    );
    expect(load?.method).toBe("session/load");
    expect(agent.say("Earlier words.", "user_message_chunk").events).toBeUndefined();
    agent.line({ id: load?.id, result: { modes } });
    expect(agent.protocol.tick()).toMatchObject({
      ready: true,
      events: [{ type: "session.started", resumed: true }],
    });
  });

  it("works in its mode yolo where every call is allowed, since it says less of calls that it asks for", () => {
    const modes = { availableModes: [{ id: "yolo" }, { id: "plan" }], currentModeId: "default" };
    expect(requests(new PresetAgent("qwen").open({ modes }))).toMatchObject([
      { method: "session/set_mode", params: { modeId: "yolo" } },
    ]);
    const asking = new PresetAgent("qwen", { asksForEveryCall: true }, { permissions: "ask" });
    expect(requests(asking.open({ modes }))).toEqual([]);
    const planning = new PresetAgent("qwen", { sessionMode: "plan" });
    expect(requests(planning.open({ modes }))).toMatchObject([{ params: { modeId: "plan" } }]);
  });

  it("entitles calls of MCP servers' tools with their input while it asks", () => {
    const asking = working("qwen", { asksForEveryCall: true }, { permissions: "ask" });
    const toolCall = { toolCallId: "c", kind: "other", title: '{"text":"hi"}', rawInput: { text: "hi" } };
    const params = { toolCall, options: [] };
    expect(asking.line({ id: 0, method: "session/request_permission", params }).events).toMatchObject([
      { type: "tool.started", kind: "mcp" },
      { type: "permission.requested", tool: { kind: "mcp" } },
    ]);
  });

  it("adds to a model's name what makes it an id", () => {
    const models = { availableModels: [{ modelId: "m(openai)", name: "m" }], currentModelId: "n(openai)" };
    const agent = new PresetAgent("qwen", { profile: { sessionMode: () => undefined } });
    agent.open({ models });
    const set = (model: string): unknown =>
      requests(agent.protocol.request?.({ id: "r", type: "set_model", model }) ?? {})[0]?.params;
    expect(set("m")).toMatchObject({ modelId: "m(openai)" });
    expect(set("m(openai)")).toMatchObject({ modelId: "m(openai)" });
    expect(set("other")).toMatchObject({ modelId: "other" });
  });
});
