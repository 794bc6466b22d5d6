import { describe, expect, it } from "vitest";
import { codex } from "../../../../backends/codex/index.ts";
import { failedServers, logSettings } from "../../../../backends/codex/exec/server-failures.ts";
import type { AgentProtocol, Step } from "../../../../src/kit.ts";

const line = (name: string, error: string): string =>
  `2026-01-01T00:00:00.0Z  WARN codex_mcp::rmcp_client: MCP server startup failed server_name="${name}" error=${error}\n`;

describe("MCP servers that do not start", () => {
  it("are found in the log, coloured or not, each once", () => {
    const coloured = line("b", "gone")
      .replace("WARN", "\u001B[33mWARN\u001B[0m")
      .replace('="', '\u001B[0m="');
    const log = `noise\n${line("a", "No such file")}${coloured}${line("a", "No such file or directory")}`;
    expect(failedServers(log)).toEqual([
      { name: "a", status: "failed", message: "No such file or directory" },
      { name: "b", status: "failed", message: "gone" },
    ]);
    expect(failedServers("")).toEqual([]);
  });

  it("are logged unless the caller has settings of his own", () => {
    expect(logSettings({})).toHaveProperty("RUST_LOG");
    expect(logSettings({ RUST_LOG: "debug" })).toEqual({});
  });

  it("are told once, although each turn starts them anew", () => {
    const protocol: AgentProtocol = codex({ mode: "turn" }).protocol({
      sessionId: "0b54b6de-3f0c-4a4b-8d0e-6a4f3a8f9c11",
      cwd: "/workspace",
      stateDirectory: "/state",
      permissions: "allow-all",
      mcpServers: {},
      answersQuestions: false,
      libraryVersion: "0.0.0",
    });
    const turn = (stderr: string): Step => {
      protocol.open({});
      protocol.prompt({ turnId: "t", content: [] });
      protocol.push('{"type":"turn.completed","usage":{}}');
      return protocol.end({ code: 0, signal: null, stderr });
    };
    expect(turn(line("a", "gone"))).toEqual({
      background: true,
      events: [{ type: "session.updated", mcpServers: [{ name: "a", status: "failed", message: "gone" }] }],
    });
    expect(turn(line("a", "gone")).events).toBeUndefined();
    expect(turn("").events).toBeUndefined();
    expect(turn(line("a", "elsewhere")).events).toHaveLength(1);
  });
});
