import { describe, expect, it } from "vitest";
import { droid } from "../../../../backends/droid/index.ts";
import type { AgentProtocol, Step } from "../../../../src/kit.ts";
import {
  answered,
  begun,
  lines,
  nativeSessionId,
  ownServer,
  prompt,
  protocolInput,
  readyProtocol,
  sent,
  sessionId,
} from "./lines.ts";

const exited = { code: 1, signal: null, stderr: "" } as const;

function promptTaken(protocol: AgentProtocol): string {
  const [request] = sent(prompt(protocol));
  protocol.push(lines.answer(request!.id));
  protocol.push(lines.takenUp(request!.id));
  return request!.id;
}

function steer(protocol: AgentProtocol, text = "And this."): Step {
  return protocol.request!({ id: "host-1", type: "steer", content: [{ type: "text", text }] });
}

describe("the handshake", () => {
  it("begins a session with what it is given", () => {
    const protocol = droid(ownServer).protocol({
      ...protocolInput,
      systemPrompt: { replace: "Only this." },
      thinking: "high",
      agentMode: "spec",
      mcpServers: {
        echo: { type: "stdio", command: "node", args: ["echo.mjs"], env: { A: "1" } },
        web: { type: "http", url: "http://127.0.0.1:1/mcp", headers: { "X-Key": "k" } },
      },
    });
    expect(sent(protocol.open({}))).toMatchObject([
      {
        method: "droid.initialize_session",
        params: {
          machineId: sessionId,
          cwd: "/workspace",
          modelId: "custom:m1",
          systemPrompt: "Only this.",
          reasoningEffort: "high",
          interactionMode: "spec",
          autonomyLevel: "high",
          restrictToolIds: [],
          disabledToolIds: [],
          mcpServers: [
            { name: "echo", command: "node", args: ["echo.mjs"], env: { A: "1" } },
            {
              type: "http",
              name: "web",
              url: "http://127.0.0.1:1/mcp",
              headers: [{ name: "X-Key", value: "k" }],
            },
          ],
        },
      },
    ]);
  });

  it("names a model of Factory's as it is called there", () => {
    const protocol = droid({ model: "glm-5" }).protocol(protocolInput);
    expect(sent(protocol.open({}))).toMatchObject([{ params: { modelId: "glm-5" } }]);
    expect(sent(droid().protocol(protocolInput).open({}))[0]!.params).not.toHaveProperty("modelId");
  });

  it("passes long instructions by the protocol", () => {
    const append = "x".repeat(150_000);
    const input = { ...protocolInput, systemPrompt: { append } };
    expect(sent(droid(ownServer).protocol(input).open({}))).toMatchObject([
      { params: { systemPrompt: { append } } },
    ]);
  });

  it("is complete when the session has begun", () => {
    const protocol = droid(ownServer).protocol(protocolInput);
    const [request] = sent(protocol.open({}));
    expect(protocol.push(lines.answer(request!.id, begun))).toMatchObject({
      ready: true,
      nativeSessionId,
      events: [{ type: "session.started", agent: "droid", model: "m1", cwd: "/workspace", resumed: false }],
    });
  });

  it("waits for MCP servers, and tells which have come up", () => {
    const server = { type: "stdio", command: "node" } as const;
    const mcpServers = { echo: server, "my server": server, broken: server };
    const protocol = droid(ownServer).protocol({ ...protocolInput, mcpServers });
    const [begin] = sent(protocol.open({}));
    const [list] = sent(protocol.push(lines.answer(begin!.id, begun)));
    expect(list).toMatchObject({ method: "droid.list_mcp_tools" });
    const tools = [{ serverName: "echo" }, { serverName: "my-server" }];
    expect(protocol.push(lines.answer(list!.id, { tools })).events).toMatchObject([
      {
        mcpServers: [
          { name: "echo", status: "connected" },
          { name: "my server", status: "connected" },
          { name: "broken", status: "failed" },
        ],
      },
    ]);
  });

  it.each([
    ["Model not allowed by organization policy", /^Droid has no model m1\.$/],
    ["Out of order.", /^Droid did not begin the session: Out of order\.$/],
  ])("tells why there is no session: %s", (message, told) => {
    const protocol = droid(ownServer).protocol(protocolInput);
    const [request] = sent(protocol.open({}));
    const { startError, ready } = protocol.push(lines.refusal(request!.id, message));
    expect(ready).toBeUndefined();
    expect(startError).toMatchObject({ code: "session_start_failed", retryable: false });
    expect(startError?.message).toMatch(told);
  });

  it("does not begin with a model that Droid does not have", () => {
    const protocol = droid({ ...ownServer, model: "m9" }).protocol(protocolInput);
    const [request] = sent(protocol.open({}));
    expect(protocol.push(lines.answer(request!.id, begun))).toMatchObject({
      startError: { message: "Droid has no model m9." },
    });
  });

  it.each([
    ["error: unknown option '--x'", /does not know an argument/],
    ["Authentication failed. Set FACTORY_API_KEY.", /is not logged in/],
    ["", /^Droid ended with exit code 1 before it was ready\.$/],
  ])("tells why the CLI did not start: %j", (stderr, told) => {
    const protocol = droid(ownServer).protocol(protocolInput);
    protocol.open({});
    const { startError } = protocol.end({ ...exited, stderr });
    expect(startError?.message).toMatch(told);
  });
});

describe("a session that is taken up", () => {
  function taken(input = {}, fork = false, mode: "session" | "turn" = "session"): AgentProtocol {
    const protocol = droid({ ...ownServer, mode }).protocol({ ...protocolInput, ...input });
    const [load] = sent(protocol.open({ resume: { nativeSessionId: "native-1", fork } }));
    expect(load).toMatchObject({ method: "droid.load_session", params: { sessionId: "native-1" } });
    return protocol;
  }

  it("is loaded, moved to its folder, and has its settings said anew", () => {
    const protocol = taken({ permissions: "deny-all" });
    const [folder] = sent(protocol.push(lines.answer("playpen-1", { ...begun, sessionId: undefined })));
    expect(folder).toMatchObject({
      method: "droid.change_working_directory",
      params: { workingDirectory: "/workspace" },
    });
    const [settings] = sent(protocol.push(lines.answer(folder!.id)));
    expect(settings).toMatchObject({
      method: "droid.update_session_settings",
      params: {
        autonomyLevel: "off",
        restrictToolIds: ["none"],
        modelId: "custom:m1",
        interactionMode: "auto",
      },
    });
    expect(protocol.push(lines.answer(settings!.id))).toMatchObject({
      ready: true,
      nativeSessionId: "native-1",
      events: [{ type: "session.started", resumed: true, tools: [] }],
    });
  });

  it("is copied first where it is to be forked", () => {
    const protocol = taken({}, true);
    const [fork] = sent(protocol.push(lines.answer("playpen-1", begun)));
    expect(fork).toMatchObject({ method: "droid.fork_session" });
    const [load] = sent(protocol.push(lines.answer(fork!.id, { newSessionId: "native-2" })));
    expect(load).toMatchObject({ method: "droid.load_session", params: { sessionId: "native-2" } });
    const [folder] = sent(protocol.push(lines.answer(load!.id, { ...begun, sessionId: undefined })));
    const [settings] = sent(protocol.push(lines.answer(folder!.id)));
    expect(protocol.push(lines.answer(settings!.id))).toMatchObject({ nativeSessionId: "native-2" });
  });

  it.each([
    [-32004, "gone"],
    [-32603, "Session not found: native-1"],
  ])("is lost when Droid does not have it (%d)", (code, message) => {
    const protocol = taken();
    const step = protocol.push(lines.refusal("playpen-1", message, code));
    expect(step).toEqual({ raw: expect.anything() as unknown, resumeLost: true });
    expect(protocol.end(exited)).not.toHaveProperty("startError");
  });

  it("does not go on in another folder", () => {
    const protocol = taken();
    const [folder] = sent(protocol.push(lines.answer("playpen-1", begun)));
    const { startError } = protocol.push(lines.refusal(folder!.id, "No."));
    expect(startError?.message).toMatch(/belongs to another folder.*\/workspace: No\./);
  });

  it("is told once where each turn has its process", () => {
    const protocol = taken({}, false, "turn");
    const complete = (): Step => {
      const number = (count: number): string => `playpen-${String(count)}`;
      let step: Step = {};
      for (let count = 1; step.ready !== true && count < 20; count += 1) {
        step = protocol.push(lines.answer(number(count), begun));
      }
      return step;
    };
    expect(complete().events).toMatchObject([{ type: "session.started", resumed: true }]);
    protocol.end({ code: 0, signal: null, stderr: "" });
    protocol.open({ resume: { nativeSessionId, fork: false } });
    expect(complete().events).toEqual([]);
  });
});

describe("tools that a session is confined to", () => {
  it("are named by Droid's own ids, before anything can be prompted", () => {
    const allowedTools = ["Read", "execute-cli", "echo___echo", "Nothing"];
    const protocol = droid(ownServer).protocol({ ...protocolInput, allowedTools });
    const [begin] = sent(protocol.open({}));
    expect(begin!.params).toMatchObject({ restrictToolIds: ["none"] });
    const [list] = sent(protocol.push(lines.answer(begin!.id, begun)));
    expect(list).toMatchObject({ method: "droid.list_tools", params: { restrictToolIds: [] } });
    const tools = [
      { id: "read-cli", llmId: "Read" },
      { id: "execute-cli", llmId: "Execute" },
    ];
    const [confine] = sent(protocol.push(lines.answer(list!.id, { tools })));
    expect(confine).toMatchObject({
      method: "droid.update_session_settings",
      params: { restrictToolIds: ["read-cli", "execute-cli", "mcp_echo_echo"], disabledToolIds: [] },
    });
    expect(protocol.push(lines.answer(confine!.id))).toMatchObject({
      ready: true,
      events: [
        { type: "session.started", tools: allowedTools },
        {
          type: "agent.notice",
          level: "warning",
          message: "Droid has no tool Nothing that could be allowed.",
        },
      ],
    });
  });

  it("are none when Droid has none of them", () => {
    const protocol = droid(ownServer).protocol({ ...protocolInput, allowedTools: ["Nothing"] });
    const [begin] = sent(protocol.open({}));
    const [list] = sent(protocol.push(lines.answer(begin!.id, begun)));
    const [confine] = sent(protocol.push(lines.answer(list!.id, { tools: [] })));
    expect(confine).toMatchObject({
      params: { restrictToolIds: ["none"], disabledToolIds: ["tool-search-cli"] },
    });
  });

  it("do not begin where they cannot be told", () => {
    const protocol = droid(ownServer).protocol({ ...protocolInput, allowedTools: ["Read"] });
    const [begin] = sent(protocol.open({}));
    const [list] = sent(protocol.push(lines.answer(begin!.id, begun)));
    expect(protocol.push(lines.refusal(list!.id, "No."))).toMatchObject({ startError: {} });
  });

  it("do not hold the one for questions where nobody answers them", () => {
    const open = droid(ownServer).protocol({ ...protocolInput, answersQuestions: false });
    expect(sent(open.open({}))).toMatchObject([{ params: { disabledToolIds: ["ask-user"] } }]);
  });
});

describe("an answer", () => {
  it("streams, and is not told twice when it is written down", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const events = [
      ...[lines.thought("Hm."), lines.delta("Hel", "m-1", 1), lines.delta("lo", "m-1", 1)],
      lines.answerWritten([
        { type: "thinking", thinking: "Hm." },
        { type: "text", text: "Hello!" },
      ]),
    ].flatMap((line) => protocol.push(line).events ?? []);
    expect(events).toEqual([
      { type: "reasoning.delta", messageId: "m-1", text: "Hm." },
      { type: "message.delta", messageId: "m-1#1", text: "Hel" },
      { type: "message.delta", messageId: "m-1#1", text: "lo" },
      { type: "reasoning.completed", messageId: "m-1", text: "Hm." },
      { type: "message.delta", messageId: "m-1#1", text: "!" },
      { type: "message.completed", messageId: "m-1#1", text: "Hello!" },
    ]);
    expect(protocol.push(lines.answerWritten([{ type: "thinking", thinking: "Hm." }])).events ?? []).toEqual(
      [],
    );
    expect(protocol.push(lines.answerWritten([{ type: "text", text: "Whole." }], "m-2")).events).toEqual([
      { type: "message.delta", messageId: "m-2", text: "Whole." },
      { type: "message.completed", messageId: "m-2", text: "Whole." },
    ]);
  });

  it("that is retracted is closed", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(lines.delta("Hel"));
    expect(protocol.push(lines.told("assistant_message_retracted", { messageId: "m-1" })).events).toEqual([
      { type: "message.completed", messageId: "m-1", text: "" },
    ]);
  });

  it("counts its tokens, those of sub-agents included, and not the past's", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const usage = (inputTokens: number, outputTokens: number): object => ({ inputTokens, outputTokens });
    const told = lines.told("session_token_usage_changed", {
      tokenUsage: usage(7, 1),
      inclusiveTokenUsage: usage(10, 3),
    });
    expect(protocol.push(told).events).toMatchObject([{ usage: { inputTokens: 10, outputTokens: 3 } }]);
    const end = lines.completed("completed", {
      tokenUsage: usage(10, 3),
      cumulativeTokenUsage: usage(10, 3),
    });
    expect(protocol.push(end).events).toMatchObject([{ usage: { inputTokens: 10, outputTokens: 3 } }]);
    promptTaken(protocol);
    const next = lines.completed("completed", {
      tokenUsage: usage(5, 2),
      cumulativeTokenUsage: usage(15, 5),
    });
    expect(protocol.push(next).events).toMatchObject([{ usage: { inputTokens: 5, outputTokens: 2 } }]);
  });

  it("can be told late, and then belongs to no turn", () => {
    const protocol = readyProtocol();
    expect(protocol.push(lines.delta("Late."))).toMatchObject({ background: true });
  });

  it("is of the shape that was asked for, or is asked for in words where Droid does not take the schema", () => {
    const protocol = readyProtocol();
    const outputSchema = { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object" };
    const turn = { turnId: "t", content: [{ type: "text", text: "Hi" }] as const, outputSchema };
    const [request] = sent(protocol.prompt(turn));
    expect(request!.params).toEqual({
      text: "Hi",
      outputFormat: { type: "json_schema", schema: { type: "object" } },
    });
    const [again] = sent(protocol.push(lines.completed("structured_output_schema_invalid")));
    expect(again!.params["text"]).toContain('"type":"object"');
    expect(again!.params).not.toHaveProperty("outputFormat");
    protocol.push(lines.told("structured_output", { structuredOutput: { ok: true } }));
    expect(protocol.push(lines.completed()).events).toMatchObject([
      { type: "turn.completed", output: { ok: true } },
    ]);
  });

  it("to an image has the image", () => {
    const protocol = readyProtocol();
    const data = new Uint8Array([1, 2, 3]);
    const [request] = sent(
      protocol.prompt({
        turnId: "t",
        content: [
          { type: "text", text: "What?" },
          { type: "image", data, mediaType: "image/png" },
        ],
      }),
    );
    expect(request!.params).toEqual({
      text: "What?",
      images: [{ type: "base64", mediaType: "image/png", data: "AQID" }],
    });
  });
});

describe("a tool call", () => {
  function run(...told: readonly string[]): readonly unknown[] {
    const protocol = readyProtocol();
    promptTaken(protocol);
    return told.flatMap((line) => protocol.push(line).events ?? []);
  }

  it("begins when its input is whole, streams what is new, and ends once", () => {
    const call = lines.call("c-1");
    const events = run(
      lines.told("tool_call", { toolUse: { ...call, input: {} } }),
      lines.told("tool_call", { toolUse: call }),
      lines.answerWritten([call]),
      lines.progress("c-1", "one\n"),
      lines.progress("c-1", "one\ntwo\n"),
      lines.result("c-1", "one\ntwo\n\n\n[Process exited with code 0]"),
      lines.result("c-1", "one\ntwo\n\n\n[Process exited with code 0]"),
    );
    expect(events).toEqual([
      {
        type: "tool.started",
        toolCallId: "c-1",
        name: "Execute",
        kind: "execute",
        title: "ls",
        input: { command: "ls" },
      },
      { type: "tool.delta", toolCallId: "c-1", output: "one\n" },
      { type: "tool.delta", toolCallId: "c-1", output: "two\n" },
      { type: "tool.completed", toolCallId: "c-1", status: "ok", output: "one\ntwo\n", exitCode: 0 },
    ]);
  });

  it.each([
    ["Command completed successfully\n\n\n[Process exited with code 0]", false, "", 0, "ok"],
    ["Error: Command failed (exit code: 3)\nout\n\n[Process exited with code 3]", true, "out", 3, "error"],
    ["Error: Command failed (exit code: 3)\n\n[Process exited with code 3]", true, "", 3, "error"],
    ["Error: No such tool", true, "Error: No such tool", undefined, "error"],
  ])("has the output of the command alone: %j", (text, isError, output, exitCode, status) => {
    const events = run(lines.answerWritten([lines.call("c-1")]), lines.result("c-1", text, isError));
    expect(events.at(-1)).toEqual({
      type: "tool.completed",
      toolCallId: "c-1",
      status,
      output,
      ...(exitCode === undefined ? {} : { exitCode }),
    });
  });

  it("that ends without having begun begins then", () => {
    const events = run(
      lines.told("tool_result", { toolUseId: "c-9", toolName: "Read", content: "x", isError: false }),
    );
    expect(events).toMatchObject([
      { type: "tool.started", name: "Read", kind: "read" },
      { type: "tool.completed", status: "ok" },
    ]);
  });

  it.each([
    ["echo___echo", {}, "mcp", "echo___echo"],
    ["Grep", { pattern: "x" }, "search", "x"],
    ["Glob", { patterns: ["*.ts"] }, "search", "*.ts"],
    ["FetchUrl", { url: "https://example.com" }, "fetch", "https://example.com"],
    ["Task", { description: "Look" }, "agent", "Look"],
    ["constructor", {}, "other", "constructor"],
  ])("of %s is of its kind", (name, input, kind, title) => {
    expect(run(lines.answerWritten([lines.call("c-1", name, input)]))).toMatchObject([{ name, kind, title }]);
  });

  it("of the plan updates the plan", () => {
    const todos = "1. [completed] One\n2. [in_progress] Two\n- [strange] Three\nno entry";
    const events = run(
      lines.answerWritten([lines.call("c-1", "TodoWrite", { todos })]),
      lines.result("c-1", "TODO List Updated"),
    );
    expect(events).toContainEqual({
      type: "plan.updated",
      entries: [
        { content: "One", status: "completed" },
        { content: "Two", status: "in_progress" },
        { content: "Three", status: "pending" },
      ],
    });
  });
});

describe("changes of files", () => {
  function changes(...calls: readonly (readonly [string, object, unknown])[]): readonly unknown[] {
    const protocol = readyProtocol();
    promptTaken(protocol);
    return calls.flatMap(([name, input, result], index) => {
      const id = `c-${String(index)}`;
      protocol.push(lines.answerWritten([lines.call(id, name, input)], `m-${String(index)}`));
      const { events = [] } = protocol.push(lines.result(id, JSON.stringify(result)));
      return events.filter(({ type }) => type === "file.changed");
    });
  }

  it("tell what is new from what was there", () => {
    const path = "/workspace/a.txt";
    expect(
      changes(
        ["Create", { file_path: "a.txt" }, { success: true }],
        ["Create", { file_path: path }, { success: true }],
        ["Read", { file_path: "b.txt" }, {}],
        ["Create", { file_path: "./b.txt" }, { success: true }],
      ),
    ).toMatchObject([
      { path, change: "added" },
      { path, change: "modified" },
      { path: "/workspace/b.txt", change: "modified" },
    ]);
  });

  it("have a diff where Droid tells the lines", () => {
    const diffLines = [
      { type: "unchanged", content: "one", lineNumber: { old: 1, new: 1 } },
      { type: "removed", content: "two", lineNumber: { old: 2 } },
      { type: "added", content: "2", lineNumber: { new: 2 } },
      { type: "unchanged", content: "nine", lineNumber: { old: 9, new: 9 } },
      { type: "added", content: "ten", lineNumber: { new: 10 } },
    ];
    const [change] = changes(["Edit", { file_path: "/a.txt" }, { diffLines }]);
    expect(change).toMatchObject({
      change: "modified",
      diff: "--- /a.txt\n+++ /a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n@@ -9,1 +9,2 @@\n nine\n+ten\n",
    });
  });

  it("are read off a patch", () => {
    const input =
      "*** Begin Patch\n*** Add File: a\n+x\n*** Update File: /b\n*** Delete File: c\n*** End Patch";
    expect(changes(["ApplyPatch", { input }, {}])).toMatchObject([
      { path: "/workspace/a", change: "added" },
      { path: "/b", change: "modified" },
      { path: "/workspace/c", change: "deleted" },
    ]);
  });
});

describe("the end of a turn", () => {
  it("closes the input of a process that was for it", () => {
    const protocol = readyProtocol({}, { ...ownServer, mode: "turn" });
    promptTaken(protocol);
    expect(protocol.push(lines.completed())).toMatchObject({
      closeStdin: true,
      events: [{ type: "turn.completed" }],
    });
    const session = readyProtocol();
    promptTaken(session);
    expect(session.push(lines.completed())).not.toHaveProperty("closeStdin");
  });

  it.each([
    ["model_authentication_failed", "401 no such key", "authentication_failed", 401, false],
    ["model_rate_limited", "Slow down", "rate_limited", undefined, true],
    ["model_usage_exhausted", "Used up", "rate_limited", undefined, false],
    ["model_provider_unreachable", "Connection lost", "network_error", undefined, true],
    ["model_provider_unavailable", "500 internal error", "model_error", 500, true],
    ["error", "Who knows", "agent_error", undefined, false],
    ["constructor", "", "agent_error", undefined, false],
  ])("for %s is a failure", (reason, message, code, status, retryable) => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(protocol.push(lines.told("error", { message })).events ?? []).toEqual([]);
    expect(protocol.push(lines.completed(reason)).events).toMatchObject([
      { type: "turn.failed", error: { code, retryable, ...(status === undefined ? {} : { status }) } },
    ]);
  });

  it("is told where the prompt is refused", () => {
    const protocol = readyProtocol();
    const [request] = sent(prompt(protocol));
    expect(protocol.push(lines.refusal(request!.id, "Too busy")).events).toMatchObject([
      { type: "turn.failed", error: { message: "Too busy" } },
    ]);
  });

  it("by the process is that of the process", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(protocol.push(lines.completed("process_exit")).events ?? []).toEqual([]);
    expect(protocol.end({ code: 0, signal: null, stderr: "" }).events).toMatchObject([
      { type: "turn.failed", error: { code: "agent_exited" } },
    ]);
  });

  it("tells of retries on the way", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const retry = (reason: string): unknown =>
      protocol.push(lines.told("llm_retry", { attempt: 2, reason })).events;
    expect(retry("rate_limited")).toEqual([{ type: "agent.retrying", attempt: 2, reason: "rate_limit" }]);
    expect(retry("overloaded")).toEqual([{ type: "agent.retrying", attempt: 2, reason: "overload" }]);
    expect(retry("toString")).toEqual([{ type: "agent.retrying", attempt: 2, reason: "other" }]);
  });
});

describe("a message for the running turn", () => {
  it("is taken up within the run, and ends with it", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const [request] = sent(steer(protocol));
    expect(request).toMatchObject({ method: "droid.add_user_message", params: { text: "And this." } });
    expect(protocol.push(lines.answer(request!.id))).toMatchObject({ responses: [{ id: "host-1" }] });
    protocol.push(lines.takenUp(request!.id));
    expect(protocol.push(lines.completed()).events).toMatchObject([{ type: "turn.completed" }]);
  });

  it("keeps the turn open where it is taken up in a run of its own", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const [request] = sent(steer(protocol));
    expect(protocol.push(lines.completed()).events ?? []).toEqual([]);
    protocol.push(lines.answer(request!.id));
    protocol.push(lines.takenUp(request!.id));
    const words = protocol.push(lines.delta("Steered."));
    expect(words).not.toHaveProperty("background");
    expect(protocol.push(lines.completed()).events).toMatchObject([{ type: "turn.completed" }]);
  });

  it("makes a warning of what went wrong before it", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const [request] = sent(steer(protocol));
    protocol.push(lines.answer(request!.id));
    protocol.push(lines.told("error", { message: "400 bad" }));
    expect(protocol.push(lines.completed("model_request_rejected")).events ?? []).toEqual([]);
    expect(protocol.push(lines.takenUp(request!.id)).events).toEqual([
      { type: "agent.notice", level: "warning", message: "400 bad" },
    ]);
    expect(protocol.push(lines.completed()).events).toMatchObject([{ type: "turn.completed" }]);
  });

  it("that is refused or given up after the run has ended ends the turn", () => {
    for (const end of ["refusal", "discarded", "all discarded"]) {
      const protocol = readyProtocol();
      promptTaken(protocol);
      const [request] = sent(steer(protocol));
      protocol.push(lines.completed());
      const line =
        end === "refusal"
          ? lines.refusal(request!.id, "Too late.")
          : lines.told("queued_messages_discarded", end === "discarded" ? { requestId: request!.id } : {});
      const step = protocol.push(line);
      expect(step.events).toMatchObject([{ type: "turn.completed" }]);
      expect(step.responses ?? []).toEqual(end === "refusal" ? [{ id: "host-1", error: "Too late." }] : []);
    }
  });

  it("is refused without a turn", () => {
    expect(steer(readyProtocol())).toMatchObject({ responses: [{ id: "host-1", error: /turn/ }] });
  });

  it("is answered when the process ends", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    steer(protocol);
    expect(protocol.end(exited)).toMatchObject({ responses: [{ id: "host-1" }] });
  });
});

describe("an interrupt", () => {
  it("is asked for by the protocol, and ends the turn", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(sent(protocol.interrupt())).toMatchObject([{ method: "droid.interrupt_session" }]);
    expect(protocol.push(lines.completed("cancelled")).events).toMatchObject([
      { type: "turn.interrupted", by: "host" },
    ]);
  });

  it("does not wait for messages that are not taken up any more", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    steer(protocol);
    protocol.interrupt();
    expect(protocol.push(lines.completed("cancelled")).events).toMatchObject([{ type: "turn.interrupted" }]);
  });

  it("is the agent's where nobody has asked for it", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(protocol.push(lines.completed("cancelled")).events).toMatchObject([
      { type: "turn.interrupted", by: "agent" },
    ]);
  });

  it("interrupts a tool, and withdraws a question", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(lines.answerWritten([lines.call("c-1", "AskUser", {})]));
    const questions = [{ index: 1, question: "Why?", options: ["A"] }];
    protocol.push(lines.request("q-1", "ask_user", { toolCallId: "c-1", questions }));
    protocol.interrupt();
    expect(protocol.push(lines.result("c-1", "Error: cancelled", true)).events).toEqual([
      { type: "permission.resolved", requestId: "q-1", outcome: "cancelled", by: "interrupt" },
      { type: "tool.completed", toolCallId: "c-1", status: "interrupted", output: "Error: cancelled" },
    ]);
  });

  it("comes to nothing without a turn", () => {
    expect(readyProtocol().interrupt()).toEqual({});
  });

  it("is the reason when the process ends in its course", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.interrupt();
    expect(protocol.end(exited).events).toMatchObject([{ type: "turn.interrupted", by: "host" }]);
  });
});

describe("permissions", () => {
  const asks = lines.request("p-1", "request_permission", {
    toolUses: [{ toolUse: lines.call("c-1", "ExitSpecMode", {}) }],
    options: [{ value: "proceed_auto" }, { value: "proceed_once" }, { value: "cancel" }],
  });

  it("are given where all is allowed, for once", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const step = protocol.push(asks);
    expect(answered(step)).toEqual([{ selectedOption: "proceed_once" }]);
    expect(step.events).toMatchObject([{ type: "tool.started", name: "ExitSpecMode" }]);
  });

  it.each(["deny-all", "ask"] as const)("are not given in mode %s", (permissions) => {
    const protocol = readyProtocol({ permissions });
    promptTaken(protocol);
    expect(answered(protocol.push(asks))).toEqual([{ selectedOption: "cancel" }]);
  });

  it("are not given outside of a turn, or to one that is being interrupted", () => {
    const protocol = readyProtocol();
    expect(answered(protocol.push(asks))).toEqual([{ selectedOption: "cancel" }]);
    promptTaken(protocol);
    protocol.interrupt();
    expect(answered(protocol.push(asks))).toEqual([{ selectedOption: "cancel" }]);
  });

  it("that are denied altogether deny what fails", () => {
    const protocol = readyProtocol({ permissions: "deny-all" });
    promptTaken(protocol);
    protocol.push(lines.answerWritten([lines.call("c-1")]));
    expect(protocol.push(lines.result("c-1", "Error: not permitted", true)).events).toMatchObject([
      { status: "denied" },
    ]);
  });
});

describe("questions", () => {
  const questions = [
    { index: 1, topic: "Colour", question: "Which?", options: ["Red", "Blue"] },
    { index: 2, question: "What else?", options: [{ label: "This" }, "That"], multiSelect: true },
  ];
  const asks = lines.request("q-1", "ask_user", { toolCallId: "c-1", questions });

  function asked(): AgentProtocol {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(protocol.push(asks).events).toEqual([
      {
        type: "question.requested",
        requestId: "q-1",
        questions: [
          {
            id: "1",
            header: "Colour",
            question: "Which?",
            options: [{ label: "Red" }, { label: "Blue" }],
            multiSelect: false,
          },
          {
            id: "2",
            question: "What else?",
            options: [{ label: "This" }, { label: "That" }],
            multiSelect: true,
          },
        ],
      },
    ]);
    return protocol;
  }

  it("are answered once", () => {
    const protocol = asked();
    const answer = {
      type: "question",
      requestId: "q-1",
      answers: { "1": "Blue", "2": ["This", "That"] },
    } as const;
    expect(answered(protocol.reply(answer))).toEqual([
      {
        answers: [
          { index: 1, question: "Which?", answer: "Blue" },
          { index: 2, question: "What else?", answer: "This, That" },
        ],
      },
    ]);
    expect(protocol.reply(answer)).toEqual({});
  });

  it("may be declined, and are where nobody could answer", () => {
    const declined = [{ cancelled: true, answers: [] }];
    expect(answered(asked().reply({ type: "question", requestId: "q-1" }))).toEqual(declined);
    const alone = readyProtocol({ answersQuestions: false });
    promptTaken(alone);
    expect(answered(alone.push(asks))).toEqual(declined);
    expect(answered(readyProtocol().push(asks))).toEqual(declined);
  });

  it("are withdrawn with the turn", () => {
    expect(asked().push(lines.completed("error")).events).toMatchObject([
      { type: "permission.resolved", requestId: "q-1", by: "agent" },
      { type: "turn.failed" },
    ]);
  });
});

describe("models", () => {
  it("are listed under the names that the options gave them", () => {
    const protocol = readyProtocol();
    const [request] = sent(protocol.request!({ id: "host-1", type: "list_models" }));
    const models = [{ id: "custom:m1", displayName: "One" }, { id: "custom:m2" }, { id: "glm-5" }];
    expect(protocol.push(lines.answer(request!.id, { models })).responses).toEqual([
      { id: "host-1", models: [{ id: "m1", name: "One", isDefault: true }, { id: "m2" }, { id: "glm-5" }] },
    ]);
  });

  it("are changed, and the change outlives the process", () => {
    const protocol = readyProtocol();
    const [request] = sent(protocol.request!({ id: "host-1", type: "set_model", model: "m2" }));
    expect(request).toMatchObject({
      method: "droid.update_session_settings",
      params: { modelId: "custom:m2" },
    });
    expect(protocol.push(lines.answer(request!.id))).toMatchObject({
      responses: [{ id: "host-1" }],
      events: [{ type: "session.updated", model: "m2" }],
    });
    protocol.end(exited);
    expect(sent(protocol.open({}))).toMatchObject([{ params: { modelId: "custom:m2" } }]);
  });

  it("that are not there are refused", () => {
    const protocol = readyProtocol();
    expect(protocol.request!({ id: "host-1", type: "set_model", model: "m9" })).toEqual({
      responses: [{ id: "host-1", error: "Droid has no model m9." }],
    });
  });

  it("are set for the next process where there is none", () => {
    const protocol = readyProtocol();
    protocol.end(exited);
    const set = { id: "host-1", type: "set_model", model: "m2" } as const;
    expect(protocol.request!(set)).toEqual({ responses: [{ id: "host-1" }] });
    expect(protocol.request!({ id: "host-2", type: "list_models" })).toMatchObject({
      responses: [{ id: "host-2", error: "No process of Droid is running." }],
    });
    expect(sent(protocol.open({}))).toMatchObject([{ params: { modelId: "custom:m2" } }]);
  });
});

describe("what Droid tells besides", () => {
  it.each([
    [lines.told("session_compacted"), { type: "context.compacted", trigger: "unknown" }],
    [lines.told("session_title_updated", { title: "T" }), { type: "session.updated", title: "T" }],
    [
      lines.told("mcp_status_changed", { servers: [{ name: "own", status: "failed", error: "No." }] }),
      { type: "session.updated", mcpServers: [{ name: "own", status: "failed", message: "No." }] },
    ],
    [
      lines.told("mcp_auth_required", { serverName: "web" }),
      {
        type: "agent.notice",
        level: "warning",
        message: "The MCP server web wants a login, which nobody can give here.",
      },
    ],
    [
      lines.told("hook_execution_completed", { hookEventName: "Stop", hookStatus: "failed" }),
      { type: "agent.notice", level: "warning", message: "A hook of Droid's for Stop ended: failed." },
    ],
    [
      lines.told("error", { message: "Outside." }),
      { type: "agent.notice", level: "warning", message: "Outside." },
    ],
  ])("becomes an event: %s", (line, event) => {
    expect(readyProtocol().push(line)).toMatchObject({ events: [event], background: true });
  });

  it("of its mode of work is told when it changes", () => {
    const protocol = readyProtocol({ agentMode: "spec" });
    const mode = (interactionMode: string): unknown =>
      protocol.push(lines.told("settings_updated", { settings: { interactionMode } })).events ?? [];
    expect(mode("spec")).toEqual([]);
    expect(mode("auto")).toEqual([{ type: "session.updated", mode: "auto" }]);
    expect(mode("auto")).toEqual([]);
  });

  it("is kept where nobody knows it", () => {
    const protocol = readyProtocol();
    expect(protocol.push(lines.told("invented")).events).toMatchObject([{ type: "agent.unknown" }]);
    expect(protocol.push("{}").events).toMatchObject([{ type: "agent.unknown" }]);
    expect(protocol.push("not json").events).toEqual([
      { type: "agent.unparsed", line: "not json", bytes: 8, truncated: false },
    ]);
    const step = protocol.push(lines.request("x-1", "invented"));
    expect(step.events).toMatchObject([{ type: "agent.unknown" }]);
    expect(JSON.parse(step.write?.[0] ?? "{}")).toMatchObject({ id: "x-1", error: { code: -32601 } });
  });
});
