import { describe, expect, it } from "vitest";
import { Agent, eventsOf, killed, sent } from "./agent.ts";

const authMethods = [
  { id: "browser", name: "Log in", description: "Opens a browser." },
  { id: "key", name: "API key", description: "Set SOME_KEY" },
];
const authRequired = { code: -32000, message: "Authentication required" };

describe("the handshake", () => {
  it("introduces the library and offers neither files nor terminals", () => {
    const [request] = sent(new Agent().protocol.open({}));
    expect(request).toMatchObject({
      method: "initialize",
      params: {
        protocolVersion: 1,
        clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
        clientInfo: { name: "playpen", version: "0.0.0" },
      },
    });
  });

  it("opens a session, and is ready when it is there", () => {
    const agent = new Agent();
    const [request] = sent(agent.initialize());
    expect(request).toMatchObject({
      method: "session/new",
      params: { cwd: "/workspace", mcpServers: [] },
    });
    const step = agent.answer(request, { sessionId: "native", models: { currentModelId: "m-1" } });
    expect(step).toMatchObject({ ready: true, nativeSessionId: "native" });
    expect(step.events).toEqual([
      {
        type: "session.started",
        agent: "some",
        model: "m-1",
        nativeSessionId: "native",
        cwd: "/workspace",
        resumed: false,
      },
    ]);
  });

  it("adds what the profile wants to every request for a session", () => {
    const sessionParams = () => ({ _meta: { systemPrompt: "Be brief." } });
    const [request] = sent(new Agent({ profile: { sessionParams } }).initialize());
    expect(request?.params).toMatchObject({ cwd: "/workspace", _meta: { systemPrompt: "Be brief." } });
  });

  it.each([[2], ["1"], [undefined]])("refuses version %s of the protocol", (protocolVersion) => {
    const { startError, write } = new Agent({ initialized: { protocolVersion } }).initialize();
    expect(write).toBeUndefined();
    expect(startError?.code).toBe("session_start_failed");
    expect(startError?.message).toContain("version");
  });

  it("fails when no id comes with the session, and asks the agent to end", () => {
    const agent = new Agent();
    const [request] = sent(agent.initialize());
    const step = agent.answer(request, {});
    expect(step.startError?.message).toBe("Some Agent gave no id for its session.");
    expect(step.closeStdin).toBe(true);
    expect(step.ready).toBeUndefined();
    // The reason stands when the process then ends.
    expect(agent.protocol.end(killed).startError).toBeUndefined();
  });

  it("tells why a process ended before there was a session", () => {
    const agent = new Agent();
    agent.initialize();
    const step = agent.protocol.end({ code: 1, signal: null, stderr: "Some log\nError: no home\n" });
    expect(step.startError).toEqual({
      code: "session_start_failed",
      message: "Some Agent ended with exit code 1 before its session was ready: Error: no home.",
      retryable: false,
      stderr: "Some log\nError: no home\n",
      exitCode: 1,
    });
  });

  it("classifies an API error that keeps a session from being opened", () => {
    const agent = new Agent();
    const [request] = sent(agent.initialize());
    const { startError } = agent.refuse(request, { code: 429, message: "Slow down" });
    expect(startError).toMatchObject({ code: "rate_limited", status: 429, retryable: true });
    expect(startError?.message).toContain("Slow down");
  });
});

describe("MCP servers", () => {
  const http = { type: "http", url: "https://x/mcp", headers: { a: "b" } } as const;
  const stdio = { type: "stdio", command: "node", args: ["s.js"], env: { K: "v" } } as const;

  it("go with the session, as the protocol writes them", () => {
    const agent = new Agent({
      input: { mcpServers: { web: http, own: stdio, bare: { type: "stdio", command: "x" } } },
      capabilities: { mcpCapabilities: { http: true } },
    });
    const [request] = sent(agent.initialize());
    expect(request?.params?.["mcpServers"]).toEqual([
      { type: "http", name: "web", url: "https://x/mcp", headers: [{ name: "a", value: "b" }] },
      { name: "own", command: "node", args: ["s.js"], env: [{ name: "K", value: "v" }] },
      { name: "bare", command: "x", args: [], env: [] },
    ]);
  });

  it("are refused where the agent does not reach them", () => {
    const { startError } = new Agent({ input: { mcpServers: { web: http } } }).initialize();
    expect(startError?.code).toBe("unsupported");
    expect(startError?.message).toContain('"web"');
  });
});

describe("taking up a session", () => {
  const resume = { nativeSessionId: "old", fork: false };
  const fork = { nativeSessionId: "old", fork: true };
  const canResume = { sessionCapabilities: { resume: {}, fork: {} } };

  it("goes by session/resume where the agent has it, and needs no id in the answer", () => {
    const agent = new Agent({ capabilities: canResume });
    const [request] = sent(agent.initialize(resume));
    expect(request).toMatchObject({ method: "session/resume", params: { sessionId: "old" } });
    const step = agent.answer(request, {});
    expect(step).toMatchObject({ ready: true, nativeSessionId: "old" });
    expect(eventsOf(step, "session.started")[0]?.resumed).toBe(true);
  });

  it("goes by session/load otherwise", () => {
    const [request] = sent(new Agent().initialize(resume));
    expect(request).toMatchObject({
      method: "session/load",
      params: { sessionId: "old", cwd: "/workspace" },
    });
  });

  it("goes by session/load when the agent turns out not to have what it declares", () => {
    const missing = { code: -32601, message: '"Method not found": session/resume' };
    const agent = new Agent({ capabilities: canResume });
    const [request] = sent(agent.initialize(resume));
    const [load] = sent(agent.refuse(request, missing));
    expect(load).toMatchObject({ method: "session/load", params: { sessionId: "old" } });
    expect(agent.answer(load, {}).wakeAfterMs).toBe(200);
    const unable = new Agent({ capabilities: { ...canResume, loadSession: false } });
    expect(unable.refuse(sent(unable.initialize(resume))[0], missing).resumeLost).toBe(true);
  });

  it("goes by what the profile says", () => {
    const load = new Agent({ capabilities: canResume, profile: { resumeBy: "load" } });
    expect(sent(load.initialize(resume))[0]?.method).toBe("session/load");
    const none = new Agent({ capabilities: canResume, profile: { resumeBy: "none" } });
    expect(none.initialize(resume).resumeLost).toBe(true);
  });

  it("is given up where the agent can do neither", () => {
    const step = new Agent({ capabilities: { loadSession: false } }).initialize(resume);
    expect(step).toMatchObject({ resumeLost: true });
    expect(step.write).toBeUndefined();
  });

  it("forks by session/fork, under a new id", () => {
    const agent = new Agent({ capabilities: canResume });
    const [request] = sent(agent.initialize(fork));
    expect(request).toMatchObject({ method: "session/fork", params: { sessionId: "old" } });
    expect(agent.answer(request, { sessionId: "new" }).nativeSessionId).toBe("new");
    expect(
      new Agent({ capabilities: canResume }).start({ sessionId: undefined }, fork).startError,
    ).toBeDefined();
  });

  it("refuses to fork where the agent cannot", () => {
    expect(new Agent().initialize(fork).startError?.code).toBe("unsupported");
  });

  it.each([
    { code: -32002, message: "Resource not found" },
    {
      code: -32603,
      message: "Internal error",
      data: { details: "No previous sessions found for this project." },
    },
    { code: -32603, message: "Session not found: old" },
    { code: -32602, message: "Invalid session identifier" },
    { code: -32603, message: "Unknown session" },
  ])("counts it as lost when the agent answers $message", (error) => {
    const agent = new Agent();
    const [request] = sent(agent.initialize(resume));
    expect(agent.refuse(request, error)).toMatchObject({ resumeLost: true });
  });

  it("does not count other errors as a loss", () => {
    const agent = new Agent();
    const [request] = sent(agent.initialize(resume));
    const step = agent.refuse(request, { code: -32603, message: "Disk full" });
    expect(step.resumeLost).toBeUndefined();
    expect(step.startError?.message).toContain("Disk full");
  });
});

describe("authentication", () => {
  const initialized = { authMethods };

  it("is done by a method of the profile's when the agent asks for it", () => {
    const agent = new Agent({ initialized, profile: { authMethods: ["other", "key"] } });
    const [first] = sent(agent.initialize());
    const [authenticate] = sent(agent.refuse(first, authRequired));
    expect(authenticate).toMatchObject({ method: "authenticate", params: { methodId: "key" } });
    const [again] = sent(agent.answer(authenticate, {}));
    expect(again?.method).toBe("session/new");
    expect(agent.answer(again, { sessionId: "native" }).ready).toBe(true);
  });

  it("can come before the session", () => {
    const profile = { authMethods: ["key"], authenticatesFirst: true };
    const [request] = sent(new Agent({ initialized, profile }).initialize());
    expect(request).toMatchObject({ method: "authenticate", params: { methodId: "key" } });
  });

  it("never chooses a method that the profile does not name: it might open a browser", () => {
    const agent = new Agent({ initialized });
    const [request] = sent(agent.initialize());
    const { startError, write } = agent.refuse(request, authRequired);
    expect(write).toBeUndefined();
    expect(startError?.code).toBe("authentication_failed");
    expect(startError?.message).toBe(
      'Some Agent wants authentication: Authentication required. It offers "browser" (Log in: Opens a browser), "key" (API key: Set SOME_KEY). Give the credential that one of these needs, in the environment or a file of the sandbox.',
    );
  });

  it("tries each method once, and then says what to do", () => {
    const profile = { authMethods: ["key", "browser"], authRemedy: "Set SOME_KEY." };
    const agent = new Agent({ initialized, profile });
    const [request] = sent(agent.initialize());
    const [first] = sent(agent.refuse(request, authRequired));
    const [second] = sent(agent.refuse(first, { code: -32000, message: "Key missing" }));
    expect(second).toMatchObject({ method: "authenticate", params: { methodId: "browser" } });
    const [again] = sent(agent.answer(second, {}));
    const { startError } = agent.refuse(again, authRequired);
    expect(startError?.message).toContain("Tried without success: key, browser.");
    expect(startError?.message).toContain("Set SOME_KEY.");
  });

  it("finds the methods in the error where the agent told none before", () => {
    const agent = new Agent({ profile: { authMethods: ["key"] } });
    const [request] = sent(agent.initialize());
    const [authenticate] = sent(agent.refuse(request, { ...authRequired, data: { authMethods } }));
    expect(authenticate?.method).toBe("authenticate");
  });
});
