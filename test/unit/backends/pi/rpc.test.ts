import { describe, expect, it } from "vitest";
import { pi } from "../../../../backends/pi/index.ts";
import type { AgentExit, Step } from "../../../../src/kit.ts";
import {
  atRest,
  commands,
  idle,
  json,
  lines,
  nativeSessionId,
  prompt,
  promptTaken,
  protocolInput,
  readyProtocol,
  state,
} from "./lines.ts";

const exit = (more: Partial<AgentExit> = {}): AgentExit => ({ code: 1, signal: null, stderr: "", ...more });
const types = (step: Step): readonly string[] => (step.events ?? []).map(({ type }) => type);
const failed = { role: "assistant", content: [], stopReason: "error", errorMessage: "500 oops" };

describe("the handshake", () => {
  it("is over when Pi has told its state and the extension that it is there", () => {
    const protocol = pi().protocol(protocolInput);
    const [command] = commands(protocol.open({}));
    expect(command).toMatchObject({ type: "get_state" });
    expect(protocol.push(lines.bridge())).not.toHaveProperty("events");
    expect(protocol.push(lines.response(command!.id, state))).toMatchObject({
      ready: true,
      nativeSessionId,
      events: [
        {
          type: "session.started",
          agent: "pi",
          model: "custom/m1",
          nativeSessionId,
          cwd: "/workspace",
          tools: ["read", "bash"],
          resumed: false,
        },
      ],
    });
  });

  it.each([
    ["is not there", undefined],
    ["is another session's", "allow-all"],
  ])("fails where the extension %s", (_, gate) => {
    const protocol = pi().protocol({ ...protocolInput, permissions: "ask" });
    const [command] = commands(protocol.open({}));
    if (gate !== undefined) protocol.push(lines.bridge(gate));
    const { startError, ready } = protocol.push(lines.response(command!.id, state));
    expect(ready).toBeUndefined();
    expect(startError).toMatchObject({ code: "session_start_failed", retryable: false });
    expect(startError?.message).toContain("permissions cannot be enforced");
  });

  it("fails with Pi's own words", () => {
    const protocol = pi().protocol(protocolInput);
    const [command] = commands(protocol.open({}));
    expect(protocol.push(lines.refusal(command!.id, "No."))).toMatchObject({
      startError: { message: "No." },
    });
    expect(protocol.end(exit({ stderr: "Warning: x\nError: Bad thing.\n" }))).toMatchObject({
      startError: {
        message: "Pi ended with exit code 1 before it was ready: Error: Bad thing.",
        exitCode: 1,
      },
    });
  });

  it("knows a session that is lost from one of another folder", () => {
    const resume = { nativeSessionId: "abc", fork: false };
    const protocol = pi().protocol(protocolInput);
    protocol.open({ resume });
    expect(protocol.end(exit({ stderr: "No session found matching 'abc'\n" }))).toMatchObject({
      resumeLost: true,
    });
    protocol.open({ resume });
    const { startError, resumeLost } = protocol.end(
      exit({ code: 70, stderr: "playpen: the session belongs to the folder /a b\n" }),
    );
    expect(resumeLost).toBeUndefined();
    expect(startError?.message).toContain("belongs to the folder /a b, and Pi would work there");
    // Without a session to resume there is none to lose.
    protocol.open({});
    expect(protocol.end(exit({ stderr: "No session found matching 'abc'\n" }))).not.toHaveProperty(
      "resumeLost",
    );
  });

  it("does not take another session for the one to resume", () => {
    const protocol = pi().protocol(protocolInput);
    const [command] = commands(protocol.open({ resume: { nativeSessionId: "01a1", fork: false } }));
    protocol.push(lines.bridge());
    expect(protocol.push(lines.response(command!.id, state))).toEqual({
      raw: expect.anything() as unknown,
      resumeLost: true,
    });
    expect(protocol.end(exit())).toEqual({ responses: [] });
  });
});

describe("a turn", () => {
  it("ends when Pi is at rest, not when a run ends", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(lines.answerStart());
    protocol.push(lines.answer("Hi."));
    const ended = protocol.push(lines.agentEnd());
    expect(ended).not.toHaveProperty("events");
    // Pi still writes its session down.
    expect(atRest(protocol, ended, { ...idle, isStreaming: true })).toMatchObject({ wakeAfterMs: 50 });
    expect(atRest(protocol, protocol.tick())).toMatchObject({
      events: [{ type: "turn.completed", stopReason: "end_turn", numTurns: 1 }],
      wakeAfterMs: 0,
    });
    expect(protocol.tick()).toEqual({});
  });

  it("goes on while Pi tries again", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const ended = protocol.push(lines.agentEnd(failed));
    expect(protocol.push(lines.retry("500 oops"))).toMatchObject({
      events: [
        { type: "agent.retrying", attempt: 1, maxAttempts: 3, delayMs: 2000, status: 500, reason: "server" },
      ],
    });
    expect(types(atRest(protocol, ended))).toEqual([]);
    protocol.push(lines.agentStart());
    protocol.push(lines.answer("Here."));
    const again = protocol.push(lines.agentEnd());
    expect(types(atRest(protocol, again))).toEqual(["turn.completed"]);
  });

  it("goes on while the context is made shorter, and behind that when Pi says so", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const ended = protocol.push(lines.agentEnd({ ...failed, errorMessage: "400 maximum context length" }));
    protocol.push(json({ type: "compaction_start", reason: "overflow" }));
    expect(types(atRest(protocol, ended))).toEqual([]);
    const compacted = protocol.push(
      json({ type: "compaction_end", reason: "overflow", result: { tokensBefore: 9 }, willRetry: true }),
    );
    expect(compacted.events).toEqual([{ type: "context.compacted", trigger: "auto", before: 9 }]);
    expect(types(atRest(protocol, compacted))).toEqual([]);
    protocol.push(lines.agentStart());
    const again = protocol.push(lines.agentEnd({ ...failed, errorMessage: "400 maximum context length" }));
    expect(atRest(protocol, again).events).toMatchObject([
      { type: "turn.failed", error: { code: "context_too_long" } },
    ]);
  });

  it("believes only the newest answer", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const first = protocol.push(lines.agentEnd());
    const second = protocol.tick();
    expect(types(atRest(protocol, first))).toEqual([]);
    expect(types(atRest(protocol, second))).toEqual(["turn.completed"]);
  });

  it("ends with a command of an extension, which no run of the agent follows", () => {
    const protocol = readyProtocol();
    const [command] = commands(prompt(protocol, "/hello"));
    let step = protocol.push(lines.response(command!.id));
    let asked = 0;
    for (; asked < 20; asked += 1) {
      const answer = atRest(protocol, step);
      if (answer.events !== undefined) {
        expect(types(answer)).toEqual(["turn.completed"]);
        break;
      }
      step = protocol.tick();
    }
    expect(asked).toBe(10);
  });

  it("fails when Pi does not take the prompt", () => {
    const protocol = readyProtocol();
    const [command] = commands(prompt(protocol));
    expect(protocol.push(lines.refusal(command!.id, "No API key found for openai."))).toMatchObject({
      events: [{ type: "turn.failed", error: { message: "No API key found for openai." } }],
    });
  });

  it("fails with what a run says that never came to an answer", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const ended = protocol.push(lines.agentEnd({ role: "user" }, failed));
    protocol.push(json({ type: "auto_retry_end", success: false }));
    expect(types(atRest(protocol, ended))).toEqual([]);
    expect(atRest(protocol, protocol.tick()).events).toMatchObject([
      { type: "turn.failed", error: { code: "model_error", status: 500, retryable: true } },
    ]);
  });

  it.each([
    ["length", "max_tokens"],
    ["toolUse", "end_turn"],
    ["another", "other"],
  ])("that stops with %s completes with %s", (stopReason, expected) => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(lines.answer("Hi.", { stopReason }));
    const ended = protocol.push(lines.agentEnd());
    expect(atRest(protocol, ended).events).toMatchObject([{ type: "turn.completed", stopReason: expected }]);
  });

  it("fails when the process ends, once", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(protocol.end(exit({ code: 0 }))).toMatchObject({
      events: [{ type: "turn.failed", error: { code: "agent_exited", exitCode: 0 } }],
    });
    expect(protocol.end(exit())).not.toHaveProperty("events");
  });

  it("adds up what its answers cost", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const usage = { input: 10, output: 5, cacheRead: 3, cacheWrite: 1, cost: { total: 0.1 } };
    protocol.push(lines.answer("", { usage, stopReason: "toolUse" }));
    expect(protocol.push(lines.answer("Done.", { usage })).events?.at(-1)).toEqual({
      type: "usage.updated",
      usage: { inputTokens: 20, outputTokens: 10, cacheReadTokens: 6, cacheWriteTokens: 2 },
      costUsd: 0.2,
      contextWindow: 128_000,
    });
  });
});

describe("an interruption", () => {
  it("is asked for by the protocol", () => {
    const protocol = readyProtocol();
    expect(protocol.interrupt()).toEqual({});
    promptTaken(protocol);
    expect(commands(protocol.interrupt())).toMatchObject([{ type: "abort" }]);
    const answer = lines.answer("", { stopReason: "aborted" });
    expect(types(protocol.push(answer))).toEqual(["usage.updated"]);
    const ended = protocol.push(lines.agentEnd());
    expect(atRest(protocol, ended).events).toMatchObject([{ type: "turn.interrupted", by: "host" }]);
  });

  it("that came before there was anything to stop is repeated", () => {
    const protocol = readyProtocol();
    const [promptCommand] = commands(prompt(protocol));
    const [abort] = commands(protocol.interrupt());
    const asked = protocol.push(lines.response(abort!.id));
    protocol.push(lines.response(promptCommand!.id));
    const newest = protocol.tick();
    expect(commands(atRest(protocol, asked))).toEqual([]);
    expect(commands(atRest(protocol, newest, { ...idle, isStreaming: true }))).toMatchObject([
      { type: "abort" },
    ]);
  });

  it("leaves a turn that had completed by itself completed", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(lines.answer("Done."));
    protocol.interrupt();
    const ended = protocol.push(lines.agentEnd());
    expect(types(atRest(protocol, ended))).toEqual(["turn.completed"]);
  });

  it("by the agent itself is told as such", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(lines.answer("", { stopReason: "aborted" }));
    const ended = protocol.push(lines.agentEnd());
    expect(atRest(protocol, ended).events).toMatchObject([{ type: "turn.interrupted", by: "agent" }]);
  });

  it("drops a message that nobody took up, before the turn ends", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.interrupt();
    protocol.push(lines.answer("", { stopReason: "aborted" }));
    const ended = protocol.push(lines.agentEnd());
    const reload = atRest(protocol, ended, { ...idle, pendingMessageCount: 1 });
    const [command] = commands(reload);
    expect(command).toMatchObject({ type: "switch_session", sessionPath: "/state/conversations/1.jsonl" });
    expect(types(protocol.push(lines.response(command!.id)))).toEqual(["turn.interrupted"]);
  });

  it("is what it was when the process does not survive it", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.interrupt();
    expect(protocol.end(exit({ code: null, signal: "SIGKILL" }))).toMatchObject({
      events: [{ type: "turn.interrupted", by: "host" }],
    });
  });
});

describe("lines", () => {
  it("are matched or parsed with the same outcome", () => {
    const [fast, slow] = [readyProtocol(), readyProtocol()];
    for (const protocol of [fast, slow]) {
      promptTaken(protocol);
      protocol.push(lines.answerStart());
    }
    for (const text of ["Hello", ' "quoted"\n', "\\", "ünï ✓", "\u2028"]) {
      const line = lines.delta(text);
      const parsedOnly = ` ${line}`;
      const step = fast.push(line);
      expect(step.events).toEqual(slow.push(parsedOnly).events);
      expect(step.events).toEqual([{ type: "message.delta", messageId: "answer-1", text }]);
      expect(step.raw).toEqual(JSON.parse(line));
    }
  });

  it("give an answer with several texts several messages", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(lines.answerStart());
    protocol.push(lines.delta("One", 0));
    protocol.push(lines.delta("Two", 2));
    const content = [
      { type: "text", text: "One." },
      { type: "thinking", thinking: "Hm." },
      { type: "text", text: "Two" },
    ];
    expect(protocol.push(lines.answer("", { content })).events?.slice(0, -1)).toEqual([
      { type: "message.delta", messageId: "answer-1", text: "." },
      { type: "message.completed", messageId: "answer-1", text: "One." },
      { type: "reasoning.delta", messageId: "answer-1", text: "Hm." },
      { type: "reasoning.completed", messageId: "answer-1", text: "Hm." },
      { type: "message.completed", messageId: "answer-1#1", text: "Two" },
    ]);
  });

  it("that tell only the end of a long output stream no more of it", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(lines.toolStart("c"));
    expect(protocol.push(lines.toolUpdate("c", "abc")).events).toMatchObject([
      { type: "tool.delta", output: "abc" },
    ]);
    expect(protocol.push(lines.toolUpdate("c", "abcd")).events).toMatchObject([{ output: "d" }]);
    expect(types(protocol.push(lines.toolUpdate("c", "bcde")))).toEqual([]);
    expect(types(protocol.push(lines.toolUpdate("c", "bcdef")))).toEqual([]);
    expect(protocol.push(lines.toolEnd("c", "bcdef")).events).toMatchObject([
      { output: "bcdef", exitCode: 0 },
    ]);
  });

  it("that are not understood are told", () => {
    const protocol = readyProtocol();
    expect(protocol.push("garbage")).toMatchObject({ events: [{ type: "agent.unparsed", line: "garbage" }] });
    expect(protocol.push("[1]")).toMatchObject({ events: [{ type: "agent.unparsed" }] });
    expect(protocol.push(json({ type: "new_kind" }))).toMatchObject({ events: [{ type: "agent.unknown" }] });
    expect(protocol.push(json({ type: "response", success: false, error: "Failed to parse" }))).toMatchObject(
      {
        events: [{ type: "agent.notice", message: "Failed to parse" }],
      },
    );
    const long = protocol.push("é".repeat(3000)).events?.[0];
    expect(long).toMatchObject({ type: "agent.unparsed", bytes: 6000, truncated: true });
  });
});
