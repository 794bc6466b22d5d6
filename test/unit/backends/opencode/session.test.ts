import { describe, expect, it } from "vitest";
import { opencode } from "../../../../backends/opencode/index.ts";
import type { AgentEventBody, AgentExit, AgentProtocol, JsonObject, Step } from "../../../../src/kit.ts";
import {
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
    [
      { name: "UnknownError", data: { message: '{"message":"It broke.","type":"server_error"}' } },
      "model_error",
      undefined,
    ],
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

  it("of a session that works in another folder names the folder", () => {
    const protocol = readyProtocol();
    const id = promptTaken(protocol);
    protocol.push(lines.elsewhere("/elsewhere"));
    const { events } = protocol.push(lines.refusal(id, "Internal error: OpenCode service failure"));
    expect(events).toMatchObject([{ type: "turn.failed", error: { code: "session_start_failed" } }]);
    expect(JSON.stringify(events)).toContain("belongs to the folder /elsewhere");
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

  it("that ask for a model which OpenCode does not offer are refused by the caller's name for it", () => {
    const { responses } = readyProtocol().request!({ id: "h1", type: "set_model", model: "none" });
    expect(responses).toHaveLength(1);
    expect(responses?.[0]?.error).toContain('the model "none"');
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
