import { copilot, type CopilotOptions } from "../../../../backends/copilot/index.ts";
import {
  isJsonObject,
  numberField,
  parseJson,
  stringField,
  type AgentProtocol,
  type ProtocolInput,
  type Step,
} from "../../../../src/kit.ts";

export const sessionId = "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01";

export const protocolInput: ProtocolInput = {
  sessionId,
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: true,
  libraryVersion: "0.0.0",
  model: "gpt-5.4",
};

/** What the library asked the server for by a step. */
export interface Sent {
  readonly id: number;
  readonly method: string;
  readonly params: object;
}

export function sent(step: Step): readonly Sent[] {
  return (step.write ?? []).flatMap((line): Sent[] => {
    const message = parseJson(line);
    const method = stringField(message, "method");
    if (method === undefined || !isJsonObject(message)) return [];
    const params = message["params"];
    return [{ id: numberField(message, "id") ?? 0, method, params: isJsonObject(params) ? params : {} }];
  });
}

export function answer(id: number, result: unknown): string {
  return JSON.stringify({ jsonrpc: "2.0", id, result });
}

export function refusal(id: number, message: string): string {
  return JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32603, message } });
}

/** A request of the server's own. */
export function asks(id: number, method: string, params: object): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params: { sessionId, ...params } });
}

export function event(type: string, data: object = {}, more: object = {}): string {
  const params = { sessionId, event: { type, data, id: "e", ...more } };
  return JSON.stringify({ jsonrpc: "2.0", method: "session.event", params });
}

/** A server that has been greeted and has opened its session. */
export function readyProtocol(
  input: Partial<ProtocolInput> = {},
  options: CopilotOptions = {},
): AgentProtocol {
  const protocol = copilot(options).protocol({ ...protocolInput, ...input });
  const [connect] = sent(protocol.open({}));
  const [create] = sent(protocol.push(answer(connect?.id ?? 0, { protocolVersion: 3, version: "1.0.102" })));
  protocol.push(answer(create?.id ?? 0, { sessionId, modelState: { modelId: "gpt-5.4" } }));
  return protocol;
}

/** Prompts, and has the server take the prompt up. */
export function promptTaken(protocol: AgentProtocol, text = "Hello"): void {
  const [send] = sent(protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text }] }));
  protocol.push(answer(send?.id ?? 0, { messageId: "message-1" }));
  protocol.push(event("user.message", { messageId: "message-1", content: text }));
  protocol.push(event("assistant.turn_start", { turnId: "0" }));
}
