import { amp } from "../../../../backends/amp/index.ts";
import type { AgentEventBody, AgentProtocol, LaunchInput, ProtocolInput, Step } from "../../../../src/kit.ts";

export const threadId = "T-2775dc92-90ed-4f85-8b73-8f9766029e83";

export const protocolInput: ProtocolInput = {
  sessionId: "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01",
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: false,
  libraryVersion: "0.0.0",
};

export const launchInput: LaunchInput = { ...protocolInput, executable: "/usr/local/bin/amp", env: {} };

/** The lines as Amp's documentation and the types of its SDK have them. */
export const lines = {
  init: (more: object = {}) =>
    line({
      type: "system",
      subtype: "init",
      cwd: "/workspace",
      tools: ["Bash", "Read"],
      mcp_servers: [],
      ...more,
    }),
  echo: (text: string) =>
    line({
      type: "user",
      message: { role: "user", content: [{ type: "text", text }] },
      parent_tool_use_id: null,
    }),
  said: (content: readonly object[], more: object = {}, parent: string | null = null) =>
    line({
      type: "assistant",
      message: { type: "message", role: "assistant", content, stop_reason: "end_turn", ...more },
      parent_tool_use_id: parent,
    }),
  toolResult: (id: string, content: string, isError = false, parent: string | null = null) =>
    line({
      type: "user",
      message: {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: id, content, is_error: isError }],
      },
      parent_tool_use_id: parent,
    }),
  success: (text = "", more: object = {}) =>
    line({
      type: "result",
      subtype: "success",
      duration_ms: 2906,
      is_error: false,
      num_turns: 1,
      result: text,
      ...more,
    }),
  failure: (error: string, subtype = "error_during_execution") =>
    line({ type: "result", subtype, duration_ms: 12, is_error: true, num_turns: 1, error }),
};

export const text = (value: string): object => ({ type: "text", text: value });
export const usage = (input: number, output: number, cacheRead = 0, cacheWrite = 0): object => ({
  input_tokens: input,
  output_tokens: output,
  cache_read_input_tokens: cacheRead,
  cache_creation_input_tokens: cacheWrite,
  max_tokens: 224_000,
  service_tier: "standard",
});
export const toolUse = (id: string, name: string, input: object): object => ({
  type: "tool_use",
  id,
  name,
  input,
});

function line(message: object): string {
  return JSON.stringify({ ...message, session_id: threadId });
}

/** A protocol whose first process was started. */
export function opened(): AgentProtocol {
  const protocol = amp().protocol(protocolInput);
  protocol.open({});
  return protocol;
}

/** A protocol whose first process runs the first turn. */
export function running(): AgentProtocol {
  const protocol = opened();
  protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text: "Hello" }] });
  return protocol;
}

export function play(protocol: AgentProtocol, ...pushed: readonly string[]): AgentEventBody[] {
  return pushed.flatMap((one) => protocol.push(one).events ?? []);
}

export function exited(protocol: AgentProtocol, stderr = "", code: number | null = 1): Step {
  return protocol.end({ code, signal: code === null ? "SIGKILL" : null, stderr });
}
