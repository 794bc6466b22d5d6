import { claude, type ClaudeOptions } from "../../../../backends/claude/index.ts";
import type { AgentProtocol, ProtocolInput, Step } from "../../../../src/kit.ts";

export const sessionId = "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01";

export const protocolInput: ProtocolInput = {
  sessionId,
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: true,
  libraryVersion: "1.2.3",
};

/** Lines of the CLI, reduced to what the backend reads. */
export const lines = {
  ready: () => control({ subtype: "success", request_id: "initialize", response: {} }),
  init: (more: object = {}) =>
    json({
      type: "system",
      subtype: "init",
      session_id: sessionId,
      cwd: "/workspace",
      tools: ["Task"],
      ...more,
    }),
  system: (subtype: string, more: object = {}) => json({ type: "system", subtype, ...more }),
  echo: () => json({ type: "user", message: { role: "user", content: [] }, isReplay: true }),
  start: (id: string) => stream({ type: "message_start", message: { id } }),
  block: (type = "text") => stream({ type: "content_block_start", index: 0, content_block: { type } }),
  delta: (text: string) =>
    stream({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
  text: (id: string, text: string, more: object = {}) => assistant(id, [{ type: "text", text }], more),
  tool: (id: string, toolCallId: string, name = "Bash", input: object = { command: "ls" }) =>
    assistant(id, [{ type: "tool_use", id: toolCallId, name, input }]),
  toolResult: (toolCallId: string, content: unknown, more: object = {}) =>
    json({
      type: "user",
      message: {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: toolCallId, content, ...more }],
      },
    }),
  result: (more: object = {}) =>
    json({
      type: "result",
      subtype: "success",
      is_error: false,
      stop_reason: "end_turn",
      result: "",
      ...more,
    }),
  aborted: () =>
    json({
      type: "result",
      subtype: "error_during_execution",
      is_error: true,
      terminal_reason: "aborted_streaming",
      errors: ["[ede_diagnostic] x"],
    }),
  taskNews: (summary: string) => json({ type: "system", subtype: "task_notification", summary }),
  request: (requestId: string, request: object) =>
    json({ type: "control_request", request_id: requestId, request }),
  cancel: (requestId: string) => json({ type: "control_cancel_request", request_id: requestId }),
  response: (requestId: string, more: object = {}) =>
    control({ subtype: "success", request_id: requestId, ...more }),
};

export function assistant(id: string, content: readonly object[], more: object = {}): string {
  return json({ type: "assistant", message: { id, content }, parent_tool_use_id: null, ...more });
}

function stream(event: object): string {
  return json({ type: "stream_event", event, parent_tool_use_id: null });
}

function control(response: object): string {
  return json({ type: "control_response", response });
}

export function json(value: unknown): string {
  return JSON.stringify(value);
}

/** A protocol whose process is ready to be prompted. */
export function readyProtocol(
  input: Partial<ProtocolInput> = {},
  options: ClaudeOptions = {},
): AgentProtocol {
  const protocol = claude(options).protocol({ ...protocolInput, ...input });
  protocol.open({});
  protocol.push(lines.ready());
  return protocol;
}

export function prompt(protocol: AgentProtocol, turnId = "turn-1", text = "Hello."): Step {
  return protocol.prompt({ turnId, content: [{ type: "text", text }] });
}

/** Pushes lines and returns their steps. */
export function push(protocol: AgentProtocol, ...pushed: readonly string[]): readonly Step[] {
  return pushed.map((line) => protocol.push(line));
}

/** Types of the events in some steps, those of no turn in brackets. */
export function types(steps: readonly Step[]): readonly string[] {
  return steps.flatMap(({ events = [], background }) =>
    events.map(({ type }) => (background === true ? `(${type})` : type)),
  );
}

/** The objects written to the CLI. */
export function written(...steps: readonly Step[]): readonly unknown[] {
  return steps.flatMap((step) => step.write ?? []).map((line) => JSON.parse(line) as unknown);
}
