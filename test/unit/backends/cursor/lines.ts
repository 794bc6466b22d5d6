import { cursor } from "../../../../backends/cursor/index.ts";
import type { AgentEventBody, AgentProtocol, LaunchInput, ProtocolInput, Step } from "../../../../src/kit.ts";

export const chatId = "644c7cde-a660-4224-a26b-0b0a7e279293";

export const protocolInput: ProtocolInput = {
  sessionId: "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01",
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: false,
  libraryVersion: "0.0.0",
};

export const launchInput: LaunchInput = {
  ...protocolInput,
  executable: "/usr/local/bin/cursor-agent",
  env: {},
};

const assistant = (text: string, more: object): string =>
  line({ type: "assistant", message: { role: "assistant", content: [{ type: "text", text }] }, ...more });

/** The lines as Cursor's documentation and those who have watched the CLI describe them. */
export const lines = {
  init: (more: object = {}) =>
    line({
      type: "system",
      subtype: "init",
      apiKeySource: "env",
      cwd: "/workspace",
      model: "Auto",
      permissionMode: "default",
      ...more,
    }),
  echo: () => line({ type: "user", message: { role: "user", content: [{ type: "text", text: "Hello" }] } }),
  piece: (text: string) => assistant(text, { timestamp_ms: 1_774_272_397_614 }),
  beforeTool: (text: string) =>
    assistant(text, { timestamp_ms: 1_774_272_397_614, model_call_id: "call-0-m2qz" }),
  whole: (text: string) => assistant(text, {}),
  thinking: (text: string) => line({ type: "thinking", subtype: "delta", text, timestamp_ms: 1 }),
  thought: () => line({ type: "thinking", subtype: "completed", timestamp_ms: 2 }),
  started: (id: string, call: object) =>
    line({ type: "tool_call", subtype: "started", call_id: id, tool_call: call }),
  completed: (id: string, call: object) =>
    line({ type: "tool_call", subtype: "completed", call_id: id, tool_call: call }),
  connection: (subtype: string, attempt?: number) => line({ type: "connection", subtype, attempt }),
  retry: (attempt: number) => line({ type: "retry", subtype: "starting", attempt, is_resume: false }),
  success: (more: object = {}) =>
    line({
      type: "result",
      subtype: "success",
      duration_ms: 5544,
      duration_api_ms: 5544,
      is_error: false,
      result: "all texts in one",
      request_id: "53df2d2f-4fe4-4b7d-93d1-6203b9188087",
      ...more,
    }),
};

function line(message: object): string {
  return JSON.stringify({ session_id: chatId, ...message });
}

/** A protocol whose first process was started. */
export function opened(input: Partial<ProtocolInput> = {}): AgentProtocol {
  const protocol = cursor().protocol({ ...protocolInput, ...input });
  protocol.open({});
  return protocol;
}

/** A protocol whose first process runs the first turn. */
export function running(input: Partial<ProtocolInput> = {}): AgentProtocol {
  const protocol = opened(input);
  protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text: "Hello" }] });
  return protocol;
}

/** A protocol that was asked to resume a chat, and runs its first turn. */
export function resuming(nativeSessionId = chatId): AgentProtocol {
  const protocol = cursor().protocol(protocolInput);
  protocol.open({ resume: { nativeSessionId, fork: false } });
  protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text: "Hello" }] });
  return protocol;
}

export function play(protocol: AgentProtocol, ...pushed: readonly string[]): AgentEventBody[] {
  return pushed.flatMap((one) => protocol.push(one).events ?? []);
}

export function exited(protocol: AgentProtocol, stderr = "", code: number | null = 1): Step {
  return protocol.end({ code, signal: code === null ? "SIGKILL" : null, stderr });
}
