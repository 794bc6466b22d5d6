import { droid, type DroidOptions } from "../../../../backends/droid/index.ts";
import {
  isJsonObject,
  objectField,
  parseJson,
  stringField,
  type AgentProtocol,
  type JsonObject,
  type ProtocolInput,
  type Step,
} from "../../../../src/kit.ts";

export const sessionId = "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01";
export const nativeSessionId = "c36e0376-ac32-4999-9b2a-6c3ad5fafefc";
export const ownServer: DroidOptions = {
  baseUrl: "http://127.0.0.1:1/v1",
  models: [{ id: "m1", reasoning: true }, "m2"],
};

export const protocolInput: ProtocolInput = {
  sessionId,
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: true,
  libraryVersion: "1.2.3",
};

/** What a step asks the CLI for. */
export interface Sent {
  readonly id: string;
  readonly method: string;
  readonly params: JsonObject;
}

export function sent(step: Step): readonly Sent[] {
  return (step.write ?? []).flatMap((line): Sent[] => {
    const message = parseJson(line);
    const method = stringField(message, "method");
    if (!isJsonObject(message) || method === undefined) return [];
    return [{ id: stringField(message, "id") ?? "", method, params: objectField(message, "params") }];
  });
}

/** What a step answers to requests of the CLI. */
export function answered(step: Step): readonly unknown[] {
  return (step.write ?? []).flatMap((line) => {
    const message = parseJson(line);
    return isJsonObject(message) && message["type"] === "response" ? [message["result"]] : [];
  });
}

export function json(value: object): string {
  return JSON.stringify(value);
}

/** Lines of the CLI, reduced to what the backend reads. */
export const lines = {
  answer: (id: string, result: object = {}) => json({ jsonrpc: "2.0", type: "response", id, result }),
  refusal: (id: string, message: string, code = -32603) =>
    json({ jsonrpc: "2.0", type: "response", id, error: { code, message } }),
  request: (id: string, method: string, params: object = {}) =>
    json({ jsonrpc: "2.0", type: "request", id, method: `droid.${method}`, params }),
  told: (type: string, more: object = {}) =>
    json({
      jsonrpc: "2.0",
      type: "notification",
      method: "droid.session_notification",
      params: { notification: { type, ...more } },
    }),
  delta: (textDelta: string, messageId = "m-1", blockIndex = 0) =>
    lines.told("assistant_text_delta", { messageId, blockIndex, textDelta }),
  thought: (textDelta: string, messageId = "m-1", blockIndex = 0) =>
    lines.told("thinking_text_delta", { messageId, blockIndex, textDelta }),
  answerWritten: (content: readonly object[], id = "m-1") =>
    lines.told("create_message", { message: { id, role: "assistant", content } }),
  /** A message of the host's as the agent takes it up. */
  takenUp: (requestId: string) =>
    lines.told("create_message", { message: { id: "u-1", role: "user", content: [] }, requestId }),
  call: (id: string, name = "Execute", input: object = { command: "ls" }) => ({
    type: "tool_use",
    id,
    name,
    input,
  }),
  progress: (toolUseId: string, fullOutput: string) =>
    lines.told("tool_progress_update", { toolUseId, toolName: "Execute", update: { fullOutput } }),
  result: (toolUseId: string, content: unknown, isError = false) =>
    lines.told("tool_result", { toolUseId, content, isError }),
  completed: (reason = "completed", more: object = {}) =>
    lines.told("agent_turn_completed", { reason, ...more }),
};

/** What Droid answers when a session begins. */
export const begun = {
  sessionId: nativeSessionId,
  settings: { modelId: "custom:m1" },
  availableModels: [{ id: "custom:m1" }, { id: "custom:m2" }, { id: "glm-5" }],
};

/** A protocol whose handshake is complete. */
export function readyProtocol(
  input: Partial<ProtocolInput> = {},
  options: DroidOptions = ownServer,
): AgentProtocol {
  const protocol = droid(options).protocol({ ...protocolInput, ...input });
  const [request] = sent(protocol.open({}));
  protocol.push(lines.answer(request!.id, begun));
  return protocol;
}

export function prompt(protocol: AgentProtocol, text = "Hello."): Step {
  return protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text }] });
}
