import { describe, expect, it } from "vitest";
import { droid } from "../../../../backends/droid/index.ts";
import type { AgentProtocol, Step } from "../../../../src/kit.ts";
import { begun, lines, nativeSessionId, ownServer, protocolInput, sent, sessionId } from "./lines.ts";

const exited = { code: 1, signal: null, stderr: "" } as const;

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
