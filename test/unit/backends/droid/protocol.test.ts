import { describe, expect, it } from "vitest";
import type { AgentProtocol } from "../../../../src/kit.ts";
import { lines, ownServer, prompt, readyProtocol, sent } from "./lines.ts";

function promptTaken(protocol: AgentProtocol): string {
  const [request] = sent(prompt(protocol));
  protocol.push(lines.answer(request!.id));
  protocol.push(lines.takenUp(request!.id));
  return request!.id;
}

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
      { type: "message.completed", messageId: "m-1", text: "Hel" },
    ]);
  });

  it("that is retracted, and said under the same id again, is another then", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const events = [
      lines.delta("Hel"),
      lines.told("assistant_message_retracted", { messageId: "m-1" }),
      ...[lines.delta("Hello"), lines.answerWritten([{ type: "text", text: "Hello!" }])],
    ].flatMap((line) => protocol.push(line).events ?? []);
    expect(events.slice(2)).toEqual([
      { type: "message.delta", messageId: "m-1.2", text: "Hello" },
      { type: "message.delta", messageId: "m-1.2", text: "!" },
      { type: "message.completed", messageId: "m-1.2", text: "Hello!" },
    ]);
  });

  it("that breaks off is closed with its thoughts, and the next attempt is another, also one that is not streamed", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const retry = lines.told("llm_retry", { attempt: 1, reason: "timeout" });
    const events = [
      ...[lines.thought("Hm."), lines.delta("Hel", "m-1", 1), retry, retry],
      lines.answerWritten([
        { type: "thinking", thinking: "Hm." },
        { type: "text", text: "Hello!" },
      ]),
    ].flatMap((line) => protocol.push(line).events ?? []);
    const retrying = { type: "agent.retrying", attempt: 1, reason: "network" };
    expect(events.slice(2)).toEqual([
      { type: "reasoning.completed", messageId: "m-1", text: "Hm." },
      { type: "message.completed", messageId: "m-1#1", text: "Hel" },
      ...[retrying, retrying],
      { type: "reasoning.delta", messageId: "m-1.2", text: "Hm." },
      { type: "reasoning.completed", messageId: "m-1.2", text: "Hm." },
      { type: "message.delta", messageId: "m-1.2#1", text: "Hello!" },
      { type: "message.completed", messageId: "m-1.2#1", text: "Hello!" },
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
