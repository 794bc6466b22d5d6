import { beforeEach, describe, expect, it } from "vitest";
import type { CodexOptions } from "../../../../backends/codex/index.ts";
import type { JsonObject, ProtocolInput, Step } from "../../../../src/kit.ts";
import { sent, Server } from "./server.ts";

describe("the app-server", () => {
  let server: Server;
  beforeEach(() => {
    server = new Server();
  });

  it("is ready when the thread has an id", () => {
    expect(server.start()).toMatchObject({ ready: true, nativeSessionId: "thread" });
    const other = new Server();
    expect(other.start({})).toMatchObject({ startError: { code: "session_start_failed" } });
  });

  it("takes another thread than the one to resume for a loss", () => {
    const [initialize] = sent(server.protocol.open({ resume: { nativeSessionId: "old", fork: false } }));
    const [, request] = sent(server.line({ id: initialize?.id, result: {} }));
    expect(request).toMatchObject({
      method: "thread/resume",
      params: { threadId: "old", excludeTurns: true },
    });
    expect(server.line({ id: request?.id, result: { thread: { id: "new" } } })).toEqual({
      raw: expect.anything() as unknown,
      background: true,
      resumeLost: true,
    });
  });

  it("does not start without the gate where calls are asked for", () => {
    const asking = new Server({ permissions: "ask" });
    const [initialize] = sent(asking.protocol.open({}));
    const [, hooks] = sent(asking.line({ id: initialize?.id, result: {} }));
    expect(hooks).toMatchObject({ method: "hooks/list" });
    const step = asking.line({ id: hooks?.id, result: { data: [{ hooks: [] }] } });
    expect(step.startError?.message).toContain("permissions cannot be enforced");
    expect(step.write).toBeUndefined();
  });

  it("refuses the start where an old Codex does not know its hooks", () => {
    const asking = new Server({ permissions: "deny-all" });
    const [initialize] = sent(asking.protocol.open({}));
    const [, hooks] = sent(asking.line({ id: initialize?.id, result: {} }));
    const step = asking.line({
      id: hooks?.id,
      error: { code: -32600, message: "unknown variant `hooks/list`" },
    });
    expect(step.startError).toMatchObject({ code: "session_start_failed" });
  });

  it("lets a thread write from its start only where the project is trusted", () => {
    const threadOf = (given: Partial<ProtocolInput>, options: CodexOptions = {}): JsonObject | undefined => {
      const one = new Server(given, options);
      const [initialize] = sent(one.protocol.open({}));
      return sent(one.line({ id: initialize?.id, result: {} }))[1]?.params;
    };
    expect(threadOf({})).toMatchObject({ sandbox: "danger-full-access", approvalPolicy: "never" });
    expect(threadOf({}, { trustProject: false })).toMatchObject({ sandbox: "read-only" });
    const careful = new Server({}, { trustProject: false });
    careful.start();
    expect(careful.prompt().params).toMatchObject({ sandboxPolicy: { type: "dangerFullAccess" } });
    server.start();
    expect(server.prompt().params).not.toHaveProperty("sandboxPolicy");
  });

  it("hands over servers and instructions on its input", () => {
    const one = new Server({
      systemPrompt: { append: "Be kind." },
      mcpServers: { echo: { type: "stdio", command: "echo", env: { TOKEN: "t" } } },
    });
    const [initialize] = sent(one.protocol.open({}));
    const [, request] = sent(one.line({ id: initialize?.id, result: {} }));
    expect(request?.params).toMatchObject({
      developerInstructions: "Be kind.",
      config: {
        mcp_servers: {
          echo: { command: "echo", env: { TOKEN: "t" }, default_tools_approval_mode: "approve" },
        },
      },
    });
  });

  it("sends images as data, whatever their size", () => {
    server.start();
    const data = new Uint8Array(100_000).fill(7);
    const [request] = sent(
      server.protocol.prompt({ turnId: "t", content: [{ type: "image", data, mediaType: "image/png" }] }),
    );
    const url = `data:image/png;base64,${Buffer.from(data).toString("base64")}`;
    expect(request?.params).toMatchObject({ input: [{ type: "image", url }] });
  });

  it("fails a prompt that comes too early", () => {
    const step = server.protocol.prompt({ turnId: "t", content: [] });
    expect(step.events).toMatchObject([{ type: "turn.failed", error: { code: "protocol_error" } }]);
  });

  it("fails a turn that Codex does not accept", () => {
    server.start();
    const request = server.prompt();
    const step = server.line({ id: request.id, error: { code: -32600, message: "no" } });
    expect(step.events).toMatchObject([
      { type: "turn.failed", error: { code: "agent_error", message: "no" } },
    ]);
    expect(server.protocol.end({ code: 0, signal: null, stderr: "" }).events).toBeUndefined();
  });

  it("leaves the lines of an interrupted turn out of the next one", () => {
    server.start();
    server.turn("one");
    server.protocol.interrupt();
    server.end("one", "interrupted");
    server.turn("two");
    const delta = (turnId: string): Step =>
      server.notify("item/agentMessage/delta", { threadId: "thread", turnId, itemId: "m", delta: "x" });
    expect(delta("one").background).toBe(true);
    expect(delta("two").background).toBeUndefined();
    expect(server.end("one", "completed").events).toBeUndefined();
    expect(server.end("two", "completed").events).toMatchObject([{ type: "turn.completed" }]);
  });

  it("does not take the end of a sub-agent's turn for its own", () => {
    server.start();
    server.turn("one");
    const foreign = { threadId: "sub", turn: { id: "sub-turn", rootTurnId: "one", status: "completed" } };
    server.notify("turn/started", foreign);
    expect(server.notify("turn/completed", foreign).events).toBeUndefined();
    expect(server.end("one", "completed").events).toMatchObject([{ type: "turn.completed" }]);
  });

  it("interrupts a turn whose id it does not know yet, and again when it does", () => {
    server.start();
    const request = server.prompt();
    expect(sent(server.protocol.interrupt())).toMatchObject([
      { method: "turn/interrupt", params: { turnId: "" } },
    ]);
    const accepted = server.line({ id: request.id, result: { turn: { id: "one" } } });
    expect(sent(accepted)).toMatchObject([{ method: "turn/interrupt", params: { turnId: "one" } }]);
    expect(server.end("one", "interrupted").events).toMatchObject([{ type: "turn.interrupted", by: "host" }]);
    expect(server.protocol.interrupt()).toEqual({});
  });

  it("tells an interruption of Codex's own from the host's", () => {
    server.start();
    server.turn("one");
    expect(server.end("one", "interrupted").events).toMatchObject([
      { type: "turn.interrupted", by: "agent" },
    ]);
  });

  it("records a host's interruption also when Codex dies of it", () => {
    server.start();
    server.turn("one");
    server.protocol.interrupt();
    const { events } = server.protocol.end({ code: null, signal: "SIGKILL", stderr: "" });
    expect(events).toEqual([{ type: "turn.interrupted", by: "host" }]);
  });

  it("refuses what Codex asks that nobody knows", () => {
    server.start();
    server.turn("one");
    const step = server.line({
      id: 9,
      method: "item/tool/call",
      params: { threadId: "thread", turnId: "one" },
    });
    expect(sent(step)).toMatchObject([{ id: 9, error: { code: -32601 } }]);
    expect(step.events).toMatchObject([{ type: "agent.unknown" }]);
  });

  it("steers only a turn that runs", () => {
    server.start();
    const request = { id: "r", type: "steer", content: [{ type: "text", text: "x" }] } as const;
    const [refused] = server.protocol.request?.(request).responses ?? [];
    expect(refused).toMatchObject({ id: "r" });
    expect(refused?.error).toContain("no turn");
    server.turn("one");
    const [steer] = sent(server.protocol.request?.(request) ?? {});
    expect(steer).toMatchObject({ method: "turn/steer", params: { expectedTurnId: "one" } });
    const late = server.line({ id: steer?.id, error: { code: -32600, message: "no active turn to steer" } });
    expect(late.responses).toEqual([{ id: "r", error: "no active turn to steer" }]);
  });

  it("answers the requests that wait when Codex is gone", () => {
    server.start();
    server.turn("one");
    server.protocol.request?.({ id: "r", type: "steer", content: [] });
    const step = server.protocol.end({ code: 1, signal: null, stderr: "" });
    expect(step.responses).toMatchObject([{ id: "r" }]);
    expect(step.events).toMatchObject([
      { type: "turn.failed", error: { code: "agent_exited", exitCode: 1 } },
    ]);
  });

  it("uses another model from the next turn on", () => {
    server.start();
    server.protocol.request?.({ id: "r", type: "set_model", model: "other" });
    expect(server.prompt().params).toMatchObject({ model: "other" });
  });

  it("notices a turn that nobody asked for", () => {
    server.start();
    const step = server.notify("turn/started", { threadId: "thread", turn: { id: "own" } });
    expect(step).toMatchObject({ background: true, events: [{ type: "agent.notice", level: "warning" }] });
  });
});
