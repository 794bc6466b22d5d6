import { describe, expect, it } from "vitest";
import type { AgentProtocol, ProcessMode, Step } from "../../../../src/kit.ts";
import { claude } from "../../../../backends/claude/index.ts";
import { lines, prompt, protocolInput, push, written } from "./lines.ts";

function running(mode: ProcessMode = "session"): AgentProtocol {
  const protocol = claude({ mode }).protocol(protocolInput);
  protocol.open({});
  protocol.push(lines.ready());
  prompt(protocol);
  return protocol;
}

const init = (status: string): string => lines.init({ mcp_servers: [{ name: "one", status }] });

/** Answers the question that the step holds. */
function answer(protocol: AgentProtocol, asked: Step, server: object): Step {
  const [question] = written(asked) as [{ request_id: string; request: unknown }];
  expect(question.request).toEqual({ subtype: "mcp_status" });
  return protocol.push(lines.response(question.request_id, { response: { mcpServers: [server] } }));
}

describe("MCP servers", () => {
  it("that are up need no question", () => {
    expect(running().push(init("connected")).write).toBeUndefined();
    expect(running().push(lines.init()).write).toBeUndefined();
  });

  it("that failed are told with the reason, which is kept", () => {
    const protocol = running();
    const asked = protocol.push(init("failed"));
    expect(asked.events).toMatchObject([{ mcpServers: [{ name: "one", status: "failed" }] }]);
    const failed = {
      name: "one",
      status: "failed",
      error: "It is not there.",
      config: { env: { T: "secret" } },
    };
    const told = answer(protocol, asked, failed);
    const mcpServers = [{ name: "one", status: "failed", message: "It is not there." }];
    expect(told.events).toEqual([{ type: "session.updated", mcpServers }]);
    expect(told.wakeAfterMs).toBeUndefined();
    // The CLI's answer holds the settings of the servers.
    expect(JSON.stringify(told)).not.toContain("secret");
    const next = protocol.push(init("failed"));
    expect(next.write).toBeUndefined();
    expect(next.events).toEqual([]);
  });

  it("that are on their way are asked for until they are there", () => {
    const protocol = running();
    const first = answer(protocol, protocol.push(init("pending")), { name: "one", status: "pending" });
    expect(first).toMatchObject({ wakeAfterMs: expect.any(Number) as number });
    expect(first.events).toBeUndefined();
    const second = answer(protocol, protocol.tick(), { name: "one", status: "connected" });
    expect(second.events).toEqual([
      { type: "session.updated", mcpServers: [{ name: "one", status: "connected" }] },
    ]);
    expect(second.wakeAfterMs).toBeUndefined();
    expect(protocol.tick().write ?? []).toEqual([]);
  });

  it("are not asked for in a process that listens no more", () => {
    const protocol = running("turn");
    push(protocol, init("pending"), lines.echo(), lines.result());
    expect(protocol.tick()).toEqual({});
    const session = running();
    push(session, init("pending"), lines.echo(), lines.result());
    expect(written(session.tick())).toHaveLength(1);
    session.end({ code: 0, signal: null, stderr: "" });
    expect(session.tick()).toEqual({});
  });

  it("leave no request of the host's open when the process ends", () => {
    const protocol = running();
    protocol.push(init("pending"));
    expect(protocol.end({ code: 0, signal: null, stderr: "" }).responses).toEqual([]);
  });
});
