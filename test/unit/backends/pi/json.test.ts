import { describe, expect, it } from "vitest";
import { pi } from "../../../../backends/pi/index.ts";
import type { AgentExit, AgentProtocol } from "../../../../src/kit.ts";
import { json, lines, nativeSessionId, protocolInput } from "./lines.ts";

const exit = (more: Partial<AgentExit> = {}): AgentExit => ({ code: 0, signal: null, stderr: "", ...more });

function prompted(resume?: string): AgentProtocol {
  const protocol = pi({ mode: "turn" }).protocol(protocolInput);
  protocol.open(resume === undefined ? {} : { resume: { nativeSessionId: resume, fork: false } });
  protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text: "Hello." }] });
  return protocol;
}

describe("pi --mode json", () => {
  it("is given the prompt by standard input, which is closed", () => {
    const protocol = pi({ mode: "turn" }).protocol(protocolInput);
    expect(protocol.open({})).toEqual({ ready: true });
    const content = [
      { type: "text", text: "-One" },
      { type: "text", text: "Two" },
    ] as const;
    expect(protocol.prompt({ turnId: "t", content })).toEqual({ write: ["-One\n\nTwo"], closeStdin: true });
  });

  it("ends the turn with the process, since Pi may try again until then", () => {
    const protocol = prompted();
    expect(protocol.push(lines.session())).toMatchObject({
      nativeSessionId,
      events: [{ type: "session.started", nativeSessionId, resumed: false }],
    });
    protocol.push(lines.agentStart());
    protocol.push(lines.answerStart());
    expect(protocol.push(lines.delta("Hi.")).events).toEqual([
      { type: "message.delta", messageId: "answer-1", text: "Hi." },
    ]);
    protocol.push(lines.answer("Hi."));
    expect(protocol.push(lines.agentEnd()).events).toBeUndefined();
    expect(protocol.end(exit()).events).toMatchObject([{ type: "turn.completed", stopReason: "end_turn" }]);
    expect(protocol.end(exit())).toEqual({});
  });

  it.each([
    ["in the middle of a run", [lines.agentStart()], exit(), { code: "agent_exited", retryable: true }],
    [
      "before it tried again",
      [lines.agentStart(), lines.agentEnd(), lines.retry("429")],
      exit(),
      { code: "agent_exited" },
    ],
    [
      "before it began",
      [],
      exit({ code: 1, stderr: "No API key found for openai.\n" }),
      { code: "session_start_failed" },
    ],
    ["by a signal before it began", [], exit({ code: null, signal: "SIGKILL" }), { code: "agent_exited" }],
  ])("that ends %s has failed, whatever its exit code", (_, pushed, how, error) => {
    const protocol = prompted();
    for (const line of pushed) protocol.push(line);
    expect(protocol.end(how).events).toMatchObject([{ type: "turn.failed", error }]);
  });

  it("knows a session that is lost", () => {
    const protocol = prompted("abc");
    expect(protocol.end(exit({ code: 1, stderr: "No session found matching 'abc'\n" }))).toMatchObject({
      resumeLost: true,
    });
  });

  it("is interrupted by a signal", () => {
    const protocol = prompted();
    protocol.push(lines.agentStart());
    expect(protocol.interrupt()).toEqual({});
    expect(protocol.end(exit({ code: null, signal: "SIGINT" })).events).toEqual([
      { type: "turn.interrupted", by: "host" },
    ]);
  });

  it("takes another model with the next process, and nothing else", () => {
    const protocol = pi({ mode: "turn" }).protocol(protocolInput);
    expect(protocol.request!({ id: "h", type: "set_model", model: "m2" })).toEqual({
      responses: [{ id: "h" }],
    });
    expect(protocol.request!({ id: "h", type: "steer", content: [] }).responses).toMatchObject([
      { error: "pi --mode json takes nothing while a turn runs." },
    ]);
    protocol.open({});
    expect(protocol.push(lines.session()).events).toMatchObject([{ type: "session.started", model: "m2" }]);
  });

  it("tells what it does not understand", () => {
    const protocol = prompted();
    expect(protocol.push("x").events).toMatchObject([{ type: "agent.unparsed" }]);
    expect(protocol.push(json({ type: "session" })).events).toMatchObject([{ type: "agent.unknown" }]);
    expect(protocol.push(json({ type: "new" })).events).toMatchObject([{ type: "agent.unknown" }]);
  });
});
