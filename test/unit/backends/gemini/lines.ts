import type { LaunchInput, ProtocolInput } from "../../../../src/kit.ts";

export const protocolInput: ProtocolInput = {
  sessionId: "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01",
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: false,
  libraryVersion: "0.0.0",
  model: "gemini-2.5-pro",
};

export const launchInput: LaunchInput = { ...protocolInput, executable: "/usr/local/bin/gemini", env: {} };

export const nativeSessionId = "0a1b2c3d-1111-4111-8111-111111111111";

/** Lines of `gemini -o stream-json`. */
export const lines = {
  init: (session_id = nativeSessionId) => json({ type: "init", session_id, model: "gemini-2.5-pro" }),
  text: (content: string) => json({ type: "message", role: "assistant", content, delta: true }),
  toolUse: (tool_id: string, tool_name: string, parameters: object = {}) =>
    json({ type: "tool_use", tool_id, tool_name, parameters }),
  toolResult: (tool_id: string, more: object = {}) =>
    json({ type: "tool_result", tool_id, status: "success", ...more }),
  result: (more: object = {}) =>
    json({
      type: "result",
      status: "success",
      stats: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
      ...more,
    }),
};

export function json(value: object): string {
  return JSON.stringify({ ...value, timestamp: "2026-01-01T00:00:00.000Z" });
}
