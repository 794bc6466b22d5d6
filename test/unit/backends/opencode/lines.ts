import { opencode, type OpencodeOptions } from "../../../../backends/opencode/index.ts";
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

export const nativeSessionId = "ses_e02391f53ffetaqsmsMACSlgeU";

const sessionID = nativeSessionId;

/** Lines of the CLI and of the plugin inside of it, reduced to what the backend reads. */
export const lines = {
  hello: (version = 1) => notification("_playpen/hello", { version }),
  prompted: (servers?: JsonObject) => notification("_playpen/prompt", { sessionID, servers }),
  elsewhere: (folder: string) => notification("_playpen/prompt", { sessionID, elsewhere: folder }),
  event: (type: string, properties: JsonObject) => notification("_playpen/event", { type, properties }),
  answer: (id: number | string, result: JsonObject) => json({ jsonrpc: "2.0", id, result }),
  refusal: (id: number, message: string) => json({ jsonrpc: "2.0", id, error: { code: -32603, message } }),
  update: (update: JsonObject) => notification("session/update", { sessionId: sessionID, update }),

  message: (id: string, info: JsonObject = {}) =>
    lines.event("message.updated", { info: { id, sessionID, ...info } }),
  textBegins: (id: string, more: JsonObject = {}) => lines.text(id, "", { time: { start: 1 }, ...more }),
  text: (id: string, text: string, more: JsonObject = {}) =>
    lines.event("message.part.updated", {
      part: { id, messageID: "msg-1", sessionID, type: "text", text, time: { start: 1, end: 2 }, ...more },
    }),
  delta: (partID: string, delta: string) =>
    lines.event("message.part.delta", { sessionID, messageID: "msg-1", partID, field: "text", delta }),
  tool: (callID: string, tool: string, state: JsonObject, more: JsonObject = {}) =>
    lines.event("message.part.updated", {
      part: {
        id: `part-${callID}`,
        messageID: "msg-1",
        sessionID,
        type: "tool",
        tool,
        callID,
        state,
        ...more,
      },
    }),
  failed: (error: JsonObject) => lines.event("session.error", { sessionID, error }),
  idle: () => lines.event("session.idle", { sessionID }),

  permission: (id: string, callID: string, tool = "bash", args: JsonObject = { command: "ls" }) =>
    json({ jsonrpc: "2.0", id, method: "_playpen/permission", params: { tool, sessionID, callID, args } }),
  question: (id: string, questions: readonly JsonObject[]) =>
    json({ jsonrpc: "2.0", id, method: "_playpen/question", params: { sessionID, questions, callID: "c" } }),
};

function notification(method: string, params: JsonObject): string {
  return json({ jsonrpc: "2.0", method, params });
}

export function json(value: object): string {
  return JSON.stringify(value);
}

export interface Sent {
  readonly id?: number | string;
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
  if (typeof id !== "number") throw new Error("The step writes no request.");
  return id;
}

export const own: OpencodeOptions = { baseUrl: "http://127.0.0.1:1/v1", model: "m1", models: ["m2"] };

export const opened: JsonObject = {
  sessionId: nativeSessionId,
  configOptions: [
    {
      id: "model",
      category: "model",
      type: "select",
      currentValue: "playpen/m1",
      options: [{ value: "playpen/m1" }, { value: "playpen/m2" }],
    },
  ],
};

/** A protocol of mode `"session"` and the step that opens its session. */
export function openedProtocol(
  input: Partial<ProtocolInput> = {},
  result: JsonObject = opened,
): { readonly protocol: AgentProtocol; readonly step: Step } {
  const protocol = opencode(own).protocol({ ...protocolInput, ...input });
  const hello = protocol.open({});
  protocol.push(lines.hello());
  const session = protocol.push(lines.answer(requestId(hello), { protocolVersion: 1 }));
  return { protocol, step: protocol.push(lines.answer(requestId(session), result)) };
}

/** A protocol of mode `"session"` whose handshake is complete. */
export function readyProtocol(input: Partial<ProtocolInput> = {}): AgentProtocol {
  return openedProtocol(input).protocol;
}

export function prompt(protocol: AgentProtocol, text = "Hello."): Step {
  return protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text }] });
}

/** Prompts, and gives the id by which the turn is answered. */
export function promptTaken(protocol: AgentProtocol, text?: string): number {
  const id = requestId(prompt(protocol, text));
  protocol.push(lines.prompted());
  return id;
}

/** A protocol of mode `"turn"` that has been prompted. */
export function runningProtocol(input: Partial<ProtocolInput> = {}): AgentProtocol {
  const protocol = opencode({ ...own, mode: "turn" }).protocol({ ...protocolInput, ...input });
  protocol.open({});
  protocol.push(lines.hello());
  prompt(protocol);
  protocol.push(lines.prompted());
  return protocol;
}
