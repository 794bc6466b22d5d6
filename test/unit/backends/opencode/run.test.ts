import { describe, expect, it } from "vitest";
import { opencode } from "../../../../backends/opencode/index.ts";
import type { AgentEventBody, AgentExit, AgentProtocol } from "../../../../src/kit.ts";
import { json, lines, nativeSessionId, own, prompt, protocolInput, runningProtocol } from "./lines.ts";

const exit = (more: Partial<AgentExit> = {}): AgentExit => ({ code: 0, signal: null, stderr: "", ...more });
const made = (): AgentProtocol =>
  opencode({ ...own, mode: "turn" }).protocol({ ...protocolInput, model: "m1" });
const ends = (protocol: AgentProtocol, more: Partial<AgentExit> = {}): readonly AgentEventBody[] =>
  protocol.end(exit(more)).events ?? [];

describe("a process for one turn", () => {
  it("is given the prompt on its input, which ends there", () => {
    const protocol = made();
    expect(protocol.open({})).toEqual({ ready: true });
    const content = [
      { type: "text", text: "Hello." },
      { type: "image", data: new Uint8Array(), mediaType: "image/png" },
      { type: "text", text: "Bye." },
    ] as const;
    expect(protocol.prompt({ turnId: "turn-1", content })).toEqual({
      write: ["Hello.\n\nBye."],
      closeStdin: true,
    });
  });

  it("tells of the session as soon as it is named", () => {
    const protocol = made();
    protocol.open({});
    prompt(protocol);
    protocol.push(lines.hello());
    expect(protocol.push(lines.prompted())).toMatchObject({
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
    expect(protocol.push(lines.text("t1", "Hi."))).not.toHaveProperty("nativeSessionId");
    protocol.end(exit());
    protocol.open({ resume: { nativeSessionId, fork: false } });
    prompt(protocol);
    const again = protocol.push(lines.prompted());
    expect(again).toMatchObject({ nativeSessionId });
    expect(again.events ?? []).toEqual([]);
  });

  it("ends the turn with itself", () => {
    const protocol = runningProtocol();
    protocol.push(lines.message("a", { finish: "stop", tokens: { input: 3, output: 2 } }));
    expect(protocol.push(lines.idle()).events ?? []).toEqual([]);
    expect(ends(protocol)).toMatchObject([
      { type: "turn.completed", stopReason: "end_turn", usage: { inputTokens: 3 }, numTurns: 1 },
    ]);
    expect(ends(protocol)).toEqual([]);
  });

  it("says the same twice, of which one is enough", () => {
    const protocol = runningProtocol();
    for (const type of ["step_start", "text", "reasoning", "tool_use", "step_finish"]) {
      expect(protocol.push(json({ type, sessionID: nativeSessionId, part: {} }))).not.toHaveProperty(
        "events",
      );
    }
    expect(protocol.push(json({ type: "invented" })).events).toMatchObject([{ type: "agent.unknown" }]);
    expect(protocol.push("nothing").events).toMatchObject([{ type: "agent.unparsed" }]);
    expect(protocol.push(json({ no: "type" })).events).toMatchObject([{ type: "agent.unparsed" }]);
  });

  it("that was not at rest has failed, whatever its exit code", () => {
    expect(ends(runningProtocol())).toMatchObject([{ type: "turn.failed", error: { code: "agent_exited" } }]);
    const killed = { code: null, signal: "SIGKILL" } as const;
    expect(ends(runningProtocol(), killed)).toMatchObject([{ error: { signal: "SIGKILL" } }]);
    const idle = runningProtocol();
    idle.push(lines.event("session.idle", { sessionID: "ses_below" }));
    expect(ends(idle)).toMatchObject([{ type: "turn.failed" }]);
  });

  it("without the plugin has failed: nothing has held its tools back", () => {
    const protocol = made();
    protocol.open({});
    prompt(protocol);
    const [event] = ends(protocol);
    expect(event).toMatchObject({ type: "turn.failed", error: { code: "agent_error" } });
    expect(JSON.stringify(event)).toContain("plugin");
  });

  it("fails where its session works in another folder, and names that", () => {
    const protocol = runningProtocol();
    protocol.push(lines.elsewhere("/elsewhere"));
    const [event] = ends(protocol, { code: 1, stderr: "Error: Odd." });
    expect(event).toMatchObject({ type: "turn.failed", error: { code: "session_start_failed" } });
    expect(JSON.stringify(event)).toContain("belongs to the folder /elsewhere");
  });

  it("fails with what the plugin tells, or else with what it says itself", () => {
    const error = { name: "APIError", data: { message: "Slow down", statusCode: 429 } };
    const told = runningProtocol();
    told.push(lines.failed(error));
    told.push(json({ type: "error", error: { name: "UnknownError", data: { message: "Other." } } }));
    expect(ends(told)).toMatchObject([{ error: { code: "rate_limited", status: 429 } }]);
    const said = runningProtocol();
    said.push(json({ type: "error", error: { name: "UnknownError", data: { message: "Other." } } }));
    expect(ends(said, { code: 1 })).toMatchObject([{ error: { code: "agent_error", message: "Other." } }]);
  });

  it("is ended by a signal", () => {
    const protocol = runningProtocol();
    expect(protocol.interrupt()).toEqual({});
    expect(ends(protocol, { code: null, signal: "SIGINT" })).toMatchObject([
      { type: "turn.interrupted", by: "host" },
    ]);
  });

  it("knows a session that is not there", () => {
    const lost = (stderr: string, resumes = true): unknown => {
      const protocol = made();
      protocol.open(resumes ? { resume: { nativeSessionId: "ses_1", fork: false } } : {});
      prompt(protocol);
      return protocol.end(exit({ code: 1, stderr })).resumeLost;
    };
    expect(lost("\u001b[91mError: \u001b[0mSession not found\n")).toBe(true);
    expect(lost("Error: No space left\n")).toBeUndefined();
    expect(lost("Error: Session not found\n", false)).toBeUndefined();
  });

  it("takes another model for the next one, and nothing else", () => {
    const protocol = runningProtocol();
    const content = [{ type: "text", text: "Rather so." }] as const;
    expect(protocol.request!({ id: "h1", type: "steer", content }).responses?.[0]?.error).toContain(
      "no message",
    );
    expect(protocol.request!({ id: "h2", type: "set_model", model: "m2" })).toEqual({
      responses: [{ id: "h2" }],
    });
    expect(protocol.tick()).toEqual({});
  });
});
