import { qwen, type QwenOptions } from "../../../../backends/qwen/index.ts";
import type { AgentProtocol, JsonObject, ProtocolInput, Step } from "../../../../src/kit.ts";

export const protocolInput: ProtocolInput = {
  sessionId: "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01",
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: true,
  libraryVersion: "1.2.3",
};

export const nativeSessionId = "c764977f-8d6b-401f-a6e7-0018219bf735";

/** Lines of `qwen --acp`, reduced to what the backend reads. */
export const lines = {
  answer: (id: number, result: JsonObject) => json({ jsonrpc: "2.0", id, result }),
  refusal: (id: number, message: string, data?: JsonObject) =>
    json({ jsonrpc: "2.0", id, error: { code: -32603, message, data } }),
  update: (update: JsonObject) =>
    json({ jsonrpc: "2.0", method: "session/update", params: { sessionId: nativeSessionId, update } }),
  text: (text: string, _meta?: JsonObject) =>
    lines.update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text }, _meta }),
  thought: (text: string) =>
    lines.update({ sessionUpdate: "agent_thought_chunk", content: { type: "text", text } }),
  usage: (inputTokens: number, outputTokens: number, more: JsonObject = {}) =>
    lines.text("", { usage: { inputTokens, outputTokens, ...more } }),
  call: (toolCallId: string, toolName: string, rawInput: JsonObject, _meta: JsonObject = {}) =>
    lines.update({
      ...{ sessionUpdate: "tool_call", toolCallId, status: "in_progress", title: `${toolName}: odd` },
      ...{ content: [], kind: "other", rawInput, _meta: { toolName, ..._meta } },
    }),
  result: (toolCallId: string, text: string, more: JsonObject = {}) =>
    lines.update({
      ...{ sessionUpdate: "tool_call_update", toolCallId, status: "completed" },
      ...{ content: [{ type: "content", content: { type: "text", text } }], ...more },
    }),
  permission: (id: number, toolCall: JsonObject, always?: string) =>
    json({
      ...{ jsonrpc: "2.0", id, method: "session/request_permission" },
      params: {
        sessionId: nativeSessionId,
        toolCall,
        options: [
          { optionId: "always", kind: "allow_always", name: `Always Allow in project: ${always ?? "it"}` },
          { optionId: "proceed_once", kind: "allow_once", name: "Allow" },
          { optionId: "cancel", kind: "reject_once", name: "Reject" },
        ],
      },
    }),
};

/** How a command ended, as the model is told. */
export function shellText(output: string, exitCode: number | string): string {
  const rest = `Error: (none)\nExit Code: ${String(exitCode)}\nSignal: 0\nProcess Group PGID: 1`;
  return `Command: x\nDirectory: (root)\nOutput: ${output}\n${rest}`;
}

export function json(value: object): string {
  return JSON.stringify(value);
}

export interface Sent {
  readonly id?: number;
  readonly method?: string;
  readonly params?: JsonObject;
  readonly result?: JsonObject;
}

/** The messages that a step writes. */
export function sent(step: Step): readonly Sent[] {
  return (step.write ?? []).map((line) => JSON.parse(line) as Sent);
}

/** The id of the first request that a step writes. */
export function requestId(step: Step): number {
  const id = sent(step).find(({ method }) => method !== undefined)?.id;
  if (id === undefined) throw new Error("The step writes no request.");
  return id;
}

export const own: QwenOptions = { baseUrl: "http://127.0.0.1:1/v1", model: "m1", models: ["m2"] };

export const opened: JsonObject = {
  sessionId: nativeSessionId,
  models: {
    currentModelId: "m1(openai)",
    availableModels: [
      { modelId: "m1(openai)", name: "m1(openai)" },
      { modelId: "m2(openai)", name: "m2(openai)" },
      { modelId: "coder-model(qwen-oauth)", name: "coder-model" },
    ],
  },
};

const able = { protocolVersion: 1, agentCapabilities: { loadSession: true } };

/** A protocol of mode `"session"` and the step that opens its session. */
export function openedProtocol(input: Partial<ProtocolInput> = {}): {
  readonly protocol: AgentProtocol;
  readonly step: Step;
} {
  const protocol = qwen(own).protocol({ ...protocolInput, ...input });
  const hello = protocol.open({});
  const session = protocol.push(lines.answer(requestId(hello), able));
  return { protocol, step: protocol.push(lines.answer(requestId(session), opened)) };
}

/** A protocol of mode `"session"` that is taking up a session, and the id of the request by which it does. */
export function resumingProtocol(input: Partial<ProtocolInput> = {}): {
  readonly protocol: AgentProtocol;
  readonly load: Step;
} {
  const protocol = qwen(own).protocol({ ...protocolInput, ...input });
  const hello = protocol.open({ resume: { nativeSessionId, fork: false } });
  return { protocol, load: protocol.push(lines.answer(requestId(hello), able)) };
}

/** A protocol of mode `"session"` whose handshake is complete. */
export function readyProtocol(input: Partial<ProtocolInput> = {}): AgentProtocol {
  return openedProtocol(input).protocol;
}

export function prompt(protocol: AgentProtocol, text = "Hello."): Step {
  return protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text }] });
}

/** Lines of `qwen -o stream-json`, reduced to what the backend reads. */
export const streamed = {
  init: (more: object = {}) =>
    json({
      ...{ type: "system", subtype: "init", session_id: nativeSessionId, model: "m1" },
      ...{ tools: ["read_file"], mcp_servers: [], ...more },
    }),
  event: (event: object, more: object = {}) => json({ type: "stream_event", event, ...more }),
  messageStart: (id = "msg-1") => streamed.event({ type: "message_start", message: { id } }),
  blockStart: (type: string) =>
    streamed.event({ type: "content_block_start", index: 0, content_block: { type } }),
  blockDelta: (delta: object) => streamed.event({ type: "content_block_delta", index: 0, delta }),
  blockStop: () => streamed.event({ type: "content_block_stop", index: 0 }),
  assistant: (content: readonly object[], more: object = {}, usage: object = {}) =>
    json({ type: "assistant", uuid: "u1", message: { id: "msg-1", content, usage }, ...more }),
  toolResult: (id: string, content: unknown, isError = false) =>
    json({
      type: "user",
      message: { content: [{ type: "tool_result", tool_use_id: id, is_error: isError, content }] },
    }),
  result: (result: string, more: object = {}) =>
    json({ type: "result", subtype: "success", is_error: false, num_turns: 1, result, ...more }),
};

/** A protocol of mode `"turn"` that has been prompted. */
export function runningProtocol(input: Partial<ProtocolInput> = {}): AgentProtocol {
  const protocol = qwen({ ...own, mode: "turn" }).protocol({ ...protocolInput, ...input });
  protocol.open({});
  prompt(protocol);
  protocol.push(streamed.init());
  return protocol;
}
