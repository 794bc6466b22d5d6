import { describe, expect, it } from "vitest";
import { Agent, eventsOf, killed, sent, working } from "./agent.ts";

describe("a turn", () => {
  it("is sent as the protocol's content blocks", () => {
    const agent = new Agent();
    agent.start();
    expect(sent(agent.prompt("Hello"))).toMatchObject([
      {
        method: "session/prompt",
        params: { sessionId: "native", prompt: [{ type: "text", text: "Hello" }] },
      },
    ]);
  });

  it("makes messages of chunks, which end where something else begins", () => {
    const agent = working();
    const events = [
      agent.think("Hm"),
      agent.think("m."),
      agent.say("Hel"),
      agent.say("lo."),
      agent.tool("c", { kind: "read", status: "in_progress" }),
      agent.say("Done."),
      agent.end(),
    ].flatMap((step) => step.events ?? []);
    const delta = (type: "message" | "reasoning", id: number, text: string) => ({
      ...{ type: `${type}.delta`, messageId: `turn-1.${id}`, text },
    });
    const completed = (type: "message" | "reasoning", id: number, text: string) => ({
      ...{ type: `${type}.completed`, messageId: `turn-1.${id}`, text },
    });
    expect(events).toEqual([
      delta("reasoning", 1, "Hm"),
      delta("reasoning", 1, "m."),
      completed("reasoning", 1, "Hmm."),
      delta("message", 2, "Hel"),
      delta("message", 2, "lo."),
      completed("message", 2, "Hello."),
      { type: "tool.started", toolCallId: "c", name: "read", kind: "read", title: "A tool", input: {} },
      delta("message", 3, "Done."),
      { type: "tool.completed", toolCallId: "c", status: "interrupted", output: "" },
      completed("message", 3, "Done."),
      { type: "turn.completed", stopReason: "end_turn", text: "Done." },
    ]);
  });

  it("tells messages apart by the agent's own ids", () => {
    const agent = working();
    agent.say("One", { messageId: "a" });
    expect(eventsOf(agent.say("Two", { messageId: "b" }), "message.completed")).toHaveLength(1);
    expect(eventsOf(agent.say(" and", { messageId: "b" }), "message.completed")).toHaveLength(0);
    expect(eventsOf(agent.say("Three"), "message.completed")).toHaveLength(1);
  });

  it("takes each chunk of reasoning for a thought where the profile says so", () => {
    const agent = working({ profile: { wholeThoughts: true } });
    expect(agent.think("One.").events).toMatchObject([{ text: "One." }, { type: "reasoning.completed" }]);
    expect(eventsOf(agent.think("Two."), "reasoning.delta")[0]?.messageId).toBe("turn-1.2");
  });

  it("has ids of its own in every turn", () => {
    const agent = working();
    agent.say("a");
    agent.end();
    agent.prompt();
    expect(eventsOf(agent.say("b"), "message.delta")[0]?.messageId).toBe("turn-2.1");
  });

  it.each([
    ["end_turn", "end_turn"],
    ["max_tokens", "max_tokens"],
    ["max_turn_requests", "max_turns"],
    ["refusal", "refusal"],
    ["something_new", "other"],
    [undefined, "other"],
  ])("that stops for %s completes with %s", (told, stopReason) => {
    const [event] = eventsOf(working().end({ stopReason: told }), "turn.completed");
    expect(event?.stopReason).toBe(stopReason);
  });

  it("that the agent cancels by itself is interrupted by it", () => {
    expect(working().end({ stopReason: "cancelled" }).events).toEqual([
      { type: "turn.interrupted", by: "agent" },
    ]);
  });

  it("fails when its last message is nothing but an API error", () => {
    const agent = working();
    agent.say("[API Error: 401 ");
    agent.say("Incorrect API key]");
    const [event] = eventsOf(agent.end(), "turn.failed");
    expect(event?.error).toEqual({
      code: "authentication_failed",
      message: "API Error: 401 Incorrect API key",
      retryable: false,
      status: 401,
    });
  });

  it("completes when a message only speaks of an error", () => {
    const agent = working();
    agent.say("The log shows [API Error: 401].");
    expect(eventsOf(agent.end(), "turn.completed")).toHaveLength(1);
  });

  it("fails for the text that the profile knows for an error", () => {
    const error = { code: "rate_limited", message: "Later", retryable: true } as const;
    const agent = working({
      profile: {
        failureInText: (text, result) =>
          text === "Oops." && result["usage"] === undefined ? error : undefined,
      },
    });
    agent.say("Oops.");
    expect(eventsOf(agent.end(), "turn.failed")[0]?.error).toEqual(error);
    agent.prompt();
    agent.say("Oops.");
    expect(eventsOf(agent.end({ stopReason: "end_turn", usage: {} }), "turn.completed")).toHaveLength(1);
  });

  it("may be told for an error by the profile because nothing was used", () => {
    const error = { code: "model_error", message: "It broke", retryable: true } as const;
    const agent = working({
      profile: { failureInText: (_text, _result, usage) => (usage?.inputTokens === 0 ? error : undefined) },
    });
    agent.say("Error: it broke");
    expect(eventsOf(agent.end({ usage: { inputTokens: 0, outputTokens: 0 } }), "turn.failed")).toMatchObject([
      { error },
    ]);
    agent.prompt();
    agent.say("Error: it broke");
    expect(
      eventsOf(agent.end({ usage: { inputTokens: 5, outputTokens: 1 } }), "turn.completed"),
    ).toHaveLength(1);
  });

  it("that waited for a session is told of no background when there comes none", () => {
    const agent = new Agent();
    const [initialize] = sent(agent.protocol.open({}));
    agent.prompt();
    const step = agent.answer(initialize, { protocolVersion: 2 });
    expect(step.background).toBeUndefined();
    expect(eventsOf(step, "turn.failed")).toHaveLength(1);
  });

  it.each([
    [
      { code: 401, message: "Bad key" },
      { code: "authentication_failed", status: 401, message: "Bad key" },
    ],
    [
      { code: 429, message: "Slow down" },
      { code: "rate_limited", status: 429, retryable: true },
    ],
    [
      { code: 500, message: "Boom" },
      { code: "model_error", status: 500 },
    ],
    [
      { code: 503, message: "Busy" },
      { code: "model_overloaded", status: 503 },
    ],
    [
      { code: 401, message: '{"error":{"code":401,"message":"Bad key","status":"UNAUTHENTICATED"}}' },
      { code: "authentication_failed", message: "Bad key" },
    ],
    [
      { code: -32603, message: "Internal error", data: { details: "429 Too many requests" } },
      { code: "rate_limited", status: 429, message: "429 Too many requests" },
    ],
    [
      { code: -32603, message: "Internal error: request failed", data: { statusCode: 529 } },
      { code: "model_overloaded", status: 529, message: "request failed" },
    ],
    [
      {
        code: -32603,
        message: "Internal error",
        data: { error: { message: "No such model x", status: 404 } },
      },
      { code: "model_not_found", status: 404, message: "No such model x" },
    ],
    [
      { code: -32603, message: "fetch failed" },
      { code: "network_error", retryable: true },
    ],
    [{ code: -32000, message: "Authentication required" }, { code: "authentication_failed" }],
    [
      { code: -32603, message: "Something else" },
      { code: "agent_error", message: "Something else" },
    ],
    [{ code: -32603, message: "Internal error", data: "Because." }, { message: "Because." }],
    [{ code: -32603, message: "Failed", data: { reason: "why" } }, { message: "Failed (why)" }],
  ])("that is answered with %j fails", (error, expected) => {
    const step = working().fail(error);
    expect(eventsOf(step, "turn.failed")[0]?.error).toMatchObject(expected);
  });

  it("fails in the way that the profile knows", () => {
    const failure = { code: "budget_exceeded", message: "Spent", retryable: false } as const;
    const agent = working({ profile: { failureOf: ({ code }) => (code === 7 ? failure : undefined) } });
    expect(eventsOf(agent.fail({ code: 7, message: "x" }), "turn.failed")[0]?.error).toEqual(failure);
  });

  it("fails with its process", () => {
    const agent = working();
    agent.say("Hal");
    const step = agent.protocol.end({ code: 3, signal: null, stderr: "Error: out of luck\n" });
    expect(step.startError).toBeUndefined();
    expect(step.events).toEqual([
      { type: "message.completed", messageId: "turn-1.1", text: "Hal" },
      {
        type: "turn.failed",
        error: {
          code: "agent_exited",
          message: "Some Agent ended in the middle of the turn, with exit code 3: Error: out of luck.",
          retryable: true,
          stderr: "Error: out of luck\n",
          exitCode: 3,
        },
      },
    ]);
  });

  it("fails at once where nothing was started", () => {
    expect(eventsOf(new Agent().prompt(), "turn.failed")[0]?.error.code).toBe("protocol_error");
    const agent = working();
    agent.protocol.end(killed);
    expect(eventsOf(agent.prompt(), "turn.failed")).toHaveLength(1);
  });

  it("takes images only where the agent declares it", () => {
    const image = { type: "image", mediaType: "image/png", data: new Uint8Array([1, 2, 3]) } as const;
    const blind = new Agent();
    blind.start();
    const refused = blind.prompt([image]);
    expect(refused.write).toBeUndefined();
    expect(eventsOf(refused, "turn.failed")[0]?.error.code).toBe("unsupported");
    expect(sent(blind.prompt("words"))).toHaveLength(1);
    const seeing = new Agent({ capabilities: { promptCapabilities: { image: true } } });
    seeing.start();
    expect(sent(seeing.prompt([image]))[0]?.params?.["prompt"]).toEqual([
      { type: "image", data: "AQID", mimeType: "image/png" },
    ]);
  });
});

describe("prompts", () => {
  it("wait for the session", () => {
    const agent = new Agent();
    const [request] = sent(agent.initialize());
    expect(agent.prompt("early")).toEqual({});
    const step = agent.answer(request, { sessionId: "native" });
    expect(sent(step)).toMatchObject([{ method: "session/prompt" }]);
  });

  it("wait for the turn before, and each has its own end", () => {
    const agent = working();
    expect(agent.prompt("second").write).toBeUndefined();
    const first = agent.end();
    expect(eventsOf(first, "turn.completed")).toHaveLength(1);
    const [request] = sent(first);
    expect(request).toMatchObject({ params: { prompt: [{ text: "second" }] } });
    expect(eventsOf(agent.answer(request, { stopReason: "end_turn" }), "turn.completed")).toHaveLength(1);
  });

  it("end with the process, all of them", () => {
    const agent = working();
    agent.prompt("second");
    expect(eventsOf(agent.protocol.end(killed), "turn.failed")).toHaveLength(2);
    expect(agent.protocol.end(killed).events).toBeUndefined();
  });

  it("that wait fail when there is no session", () => {
    const agent = new Agent();
    const [request] = sent(agent.initialize());
    agent.prompt();
    const step = agent.refuse(request, { code: -32603, message: "Disk full" });
    expect(step.startError).toBeDefined();
    expect(eventsOf(step, "turn.failed")).toHaveLength(1);
    expect(agent.protocol.end(killed).events).toBeUndefined();
  });
});

describe("an interrupt", () => {
  it("cancels the turn, whose end is then an interruption, whatever the agent calls it", () => {
    for (const stopReason of ["cancelled", "end_turn"]) {
      const agent = working();
      agent.say("a");
      const step = agent.protocol.interrupt();
      expect(sent(step)).toEqual([
        { jsonrpc: "2.0", method: "session/cancel", params: { sessionId: "native" } },
      ]);
      expect(eventsOf(agent.end({ stopReason }), "turn.interrupted")).toEqual([
        { type: "turn.interrupted", by: "host" },
      ]);
    }
  });

  it("counts also when the agent answers with an error, or dies", () => {
    const failing = working();
    failing.protocol.interrupt();
    expect(failing.fail({ code: -32603, message: "Aborted" }).events).toEqual([
      { type: "turn.interrupted", by: "host" },
    ]);
    const dying = working();
    dying.protocol.interrupt();
    expect(dying.protocol.end(killed).events).toEqual([{ type: "turn.interrupted", by: "host" }]);
  });

  it("answers the permissions that the agent waits for with cancelled, before it cancels", () => {
    const agent = working();
    agent.ask({ toolCallId: "c" }, undefined, 5);
    const step = agent.protocol.interrupt();
    expect(sent(step)).toMatchObject([
      { id: 5, result: { outcome: { outcome: "cancelled" } } },
      { method: "session/cancel" },
    ]);
    expect(eventsOf(step, "permission.resolved")).toMatchObject([{ outcome: "cancelled", by: "interrupt" }]);
    const late = agent.ask({ toolCallId: "d" }, undefined, 6);
    expect(sent(late)).toMatchObject([{ id: 6, result: { outcome: { outcome: "cancelled" } } }]);
    expect(late.events).toBeUndefined();
  });

  it("is told again to an agent that had not begun", () => {
    const agent = working();
    agent.protocol.interrupt();
    expect(sent(agent.say("a"))).toMatchObject([{ method: "session/cancel" }]);
    expect(sent(agent.say("b"))).toEqual([]);
  });

  it("takes back a prompt that was not sent, and does nothing without one", () => {
    const agent = new Agent();
    agent.initialize();
    agent.prompt();
    const step = agent.protocol.interrupt();
    expect(step).toEqual({ events: [{ type: "turn.interrupted", by: "host" }] });
    expect(agent.protocol.interrupt()).toEqual({});
  });

  it("ends the calls that were running", () => {
    const agent = working();
    agent.tool("c", { kind: "execute", status: "in_progress" });
    agent.tool("d", { kind: "execute", status: "in_progress" });
    agent.protocol.interrupt();
    const told = agent.toolUpdate("c", { status: "completed", content: [] });
    expect(eventsOf(told, "tool.completed")[0]).toMatchObject({ toolCallId: "c", status: "interrupted" });
    const end = agent.end({ stopReason: "cancelled" });
    expect(eventsOf(end, "tool.completed")[0]).toMatchObject({ toolCallId: "d", status: "interrupted" });
  });

  it("is followed by a turn that hears nothing of the one before", () => {
    const agent = working();
    agent.tool("c", { kind: "execute", status: "in_progress" });
    agent.protocol.interrupt();
    agent.end({ stopReason: "cancelled" });
    agent.prompt();
    const late = agent.toolUpdate("c", { status: "failed", content: [] });
    expect(late.events).toBeUndefined();
    agent.say("Good.");
    expect(eventsOf(agent.end(), "turn.completed")[0]?.text).toBe("Good.");
  });
});
