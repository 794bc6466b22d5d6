import { AcpProtocol, type AcpProfile } from "../../../../src/kit.ts";
import type {
  AgentContentPart,
  AgentEventBody,
  JsonObject,
  NativeSession,
  ProtocolInput,
  Step,
} from "../../../../src/kit.ts";

export const input: ProtocolInput = {
  sessionId: "0b54b6de-3f0c-4a4b-8d0e-6a4f3a8f9c11",
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "ask",
  mcpServers: {},
  answersQuestions: true,
  libraryVersion: "0.0.0",
};

/** One line that the protocol wrote. */
export interface Sent {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: JsonObject;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

export function sent(step: Step): Sent[] {
  return (step.write ?? []).map((line) => JSON.parse(line) as Sent);
}

export function eventsOf<Type extends AgentEventBody["type"]>(
  step: Step,
  type: Type,
): Extract<AgentEventBody, { type: Type }>[] {
  return (step.events ?? []).filter(
    (event): event is Extract<AgentEventBody, { type: Type }> => event.type === type,
  );
}

export const capabilities: JsonObject = { loadSession: true, promptCapabilities: {}, mcpCapabilities: {} };

export interface Setup {
  readonly input?: Partial<ProtocolInput>;
  readonly profile?: Partial<AcpProfile>;
  /** `agentCapabilities` of the answer to `initialize`. */
  readonly capabilities?: JsonObject;
  /** Other members of that answer. */
  readonly initialized?: JsonObject;
}

/** An agent, as far as a test needs it: the other end of the protocol. */
export class Agent {
  readonly protocol: AcpProtocol;
  readonly #setup: Setup;
  #turns = 0;
  /** The request of the running turn. */
  #prompt: Sent = {};

  constructor(setup: Setup = {}) {
    this.#setup = setup;
    this.protocol = new AcpProtocol(
      { ...input, ...setup.input },
      { agent: "some", product: "Some Agent", ...setup.profile },
    );
  }

  line(message: object): Step {
    return this.protocol.push(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  answer(request: Sent | undefined, result: unknown): Step {
    return this.line({ id: request?.id, result });
  }

  refuse(request: Sent | undefined, error: object): Step {
    return this.line({ id: request?.id, error });
  }

  /** Answers `initialize`. The step asks for a session, unless something is wrong. */
  initialize(resume?: NativeSession): Step {
    const [request] = sent(this.protocol.open(resume === undefined ? {} : { resume }));
    return this.answer(request, {
      protocolVersion: 1,
      agentCapabilities: { ...capabilities, ...this.#setup.capabilities },
      ...this.#setup.initialized,
    });
  }

  /** Comes to a session; its answer has these members. */
  start(session: JsonObject = {}, resume?: NativeSession): Step {
    const [request] = sent(this.initialize(resume));
    return this.answer(request, { sessionId: "native", ...session });
  }

  prompt(content: string | readonly AgentContentPart[] = "hi"): Step {
    this.#turns += 1;
    const parts = typeof content === "string" ? [{ type: "text", text: content } as const] : content;
    const step = this.protocol.prompt({ turnId: `turn-${String(this.#turns)}`, content: parts });
    const request = sent(step).find(({ method }) => method === "session/prompt");
    if (request !== undefined) this.#prompt = request;
    return step;
  }

  update(update: JsonObject): Step {
    return this.line({ method: "session/update", params: { sessionId: "native", update } });
  }

  say(text: string, members: JsonObject = {}): Step {
    return this.update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text }, ...members });
  }

  think(text: string): Step {
    return this.update({ sessionUpdate: "agent_thought_chunk", content: { type: "text", text } });
  }

  tool(toolCallId: string, members: JsonObject = {}): Step {
    return this.update({ sessionUpdate: "tool_call", toolCallId, title: "A tool", ...members });
  }

  toolUpdate(toolCallId: string, members: JsonObject): Step {
    return this.update({ sessionUpdate: "tool_call_update", toolCallId, ...members });
  }

  ask(toolCall: JsonObject, options: readonly JsonObject[] = usualOptions, id: number | string = 0): Step {
    const params = { sessionId: "native", toolCall, options };
    return this.line({ id, method: "session/request_permission", params });
  }

  end(result: JsonObject = { stopReason: "end_turn" }): Step {
    return this.answer(this.#prompt, result);
  }

  fail(error: object): Step {
    return this.refuse(this.#prompt, error);
  }
}

/** The ids and names are an agent's own: they must not matter. */
export const usualOptions: readonly JsonObject[] = [
  { optionId: "7", name: "No!", kind: "reject_once" },
  { optionId: "always-yes", name: "Allow for this session", kind: "allow_always" },
  { optionId: "reject", name: "Sure", kind: "allow_once" },
];

/** An agent in the middle of a turn. */
export function working(setup: Setup = {}): Agent {
  const agent = new Agent(setup);
  agent.start();
  agent.prompt();
  return agent;
}

export function selected(step: Step): unknown {
  return sent(step).find(({ result }) => result !== undefined)?.result;
}

export const killed = { code: null, signal: "SIGKILL", stderr: "" } as const;
