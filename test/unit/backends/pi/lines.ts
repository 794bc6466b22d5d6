import { pi, type PiOptions } from "../../../../backends/pi/index.ts";
import type { AgentProtocol, ProtocolInput, Step } from "../../../../src/kit.ts";

export const protocolInput: ProtocolInput = {
  sessionId: "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01",
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: true,
  libraryVersion: "1.2.3",
};

export const nativeSessionId = "01a1fd60-5598-7602-9482-a0db36c7ad68";

/** Lines of the CLI, reduced to what the backend reads. */
export const lines = {
  bridge: (gate = "allow-all") =>
    json({
      type: "extension_ui_request",
      id: "status",
      method: "setStatus",
      statusKey: "playpen",
      statusText: JSON.stringify({ gate, tools: ["read", "bash"] }),
    }),
  response: (id: string, data?: object) => json({ id, type: "response", success: true, data }),
  refusal: (id: string, error: string) => json({ id, type: "response", success: false, error }),
  session: (id = nativeSessionId) => json({ type: "session", id, cwd: "/workspace" }),
  agentStart: () => json({ type: "agent_start" }),
  agentEnd: (...messages: readonly object[]) => json({ type: "agent_end", messages }),
  answerStart: () => json({ type: "message_start", message: { role: "assistant" } }),
  delta: (text: string, contentIndex = 0) =>
    json({
      type: "message_update",
      assistantMessageEvent: { type: "text_delta", contentIndex, delta: text },
      message: {},
    }),
  answer: (text: string, more: object = {}) =>
    json({
      type: "message_end",
      message: { role: "assistant", content: [{ type: "text", text }], stopReason: "stop", ...more },
    }),
  toolStart: (toolCallId: string, toolName = "bash", args: object = { command: "ls" }) =>
    json({ type: "tool_execution_start", toolCallId, toolName, args }),
  toolUpdate: (toolCallId: string, text: string) =>
    json({ type: "tool_execution_update", toolCallId, partialResult: content(text) }),
  toolEnd: (toolCallId: string, text: string, more: object = {}) =>
    json({ type: "tool_execution_end", toolCallId, result: content(text), isError: false, ...more }),
  retry: (errorMessage: string) =>
    json({ type: "auto_retry_start", attempt: 1, maxAttempts: 3, delayMs: 2000, errorMessage }),
  permission: (id: string, toolCallId = "call-1", toolName = "bash", input: object = { command: "ls" }) =>
    json({
      type: "extension_ui_request",
      id,
      method: "input",
      title: "playpen.permission",
      placeholder: JSON.stringify({ toolCallId, toolName, input }),
    }),
  dialog: (id: string, more: object) => json({ type: "extension_ui_request", id, ...more }),
};

export function json(value: object): string {
  return JSON.stringify(value);
}

function content(text: string): object {
  return { content: [{ type: "text", text }] };
}

/** The commands that a step writes. */
export function commands(
  step: Step,
): readonly { readonly id: string; readonly type: string; readonly [name: string]: unknown }[] {
  return (step.write ?? []).map((line) => JSON.parse(line) as { id: string; type: string });
}

export const idle = { isStreaming: false, isCompacting: false, pendingMessageCount: 0 };

export const state = {
  ...idle,
  sessionId: nativeSessionId,
  sessionFile: "/state/conversations/1.jsonl",
  model: { provider: "custom", id: "m1", contextWindow: 128_000 },
};

/** A protocol whose handshake is complete. */
export function readyProtocol(input: Partial<ProtocolInput> = {}, options: PiOptions = {}): AgentProtocol {
  const protocol = pi(options).protocol({ ...protocolInput, ...input });
  const [command] = commands(protocol.open({}));
  protocol.push(lines.bridge(input.permissions));
  protocol.push(lines.response(command!.id, state));
  return protocol;
}

export function prompt(protocol: AgentProtocol, text = "Hello."): Step {
  return protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text }] });
}

/** Prompts, and lets Pi take it: a run of the agent has begun. */
export function promptTaken(protocol: AgentProtocol, text?: string): void {
  const [command] = commands(prompt(protocol, text));
  protocol.push(lines.response(command!.id));
  protocol.push(lines.agentStart());
}

/** Answers the question whether Pi is at rest that the step asks. */
export function atRest(protocol: AgentProtocol, step: Step, data: object = idle): Step {
  const command = commands(step).find(({ type }) => type === "get_state");
  return protocol.push(lines.response(command!.id, data));
}
