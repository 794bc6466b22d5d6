import { codex, type CodexOptions } from "../../../../backends/codex/index.ts";
import type { AgentProtocol, JsonObject, ProtocolInput, Step } from "../../../../src/kit.ts";
import { transcript } from "./transcripts.ts";

const input: ProtocolInput = {
  sessionId: "0b54b6de-3f0c-4a4b-8d0e-6a4f3a8f9c11",
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: true,
  libraryVersion: "0.0.0",
};

export interface Sent {
  readonly id?: number;
  readonly method?: string;
  readonly params?: JsonObject;
  readonly result?: unknown;
  readonly error?: unknown;
}

export function sent(step: Step): Sent[] {
  return (step.write ?? []).map((line) => JSON.parse(line) as Sent);
}

/** The app-server, as far as a test needs it. */
export class Server {
  readonly protocol: AgentProtocol;

  constructor(given: Partial<ProtocolInput> = {}, options: CodexOptions = {}) {
    this.protocol = codex(options).protocol({ ...input, ...given });
  }

  line(message: object): Step {
    return this.protocol.push(JSON.stringify(message));
  }

  notify(method: string, params: JsonObject): Step {
    return this.line({ method, params });
  }

  start(thread: JsonObject = { id: "thread" }): Step {
    const [initialize] = sent(this.protocol.open({}));
    const [, request] = sent(this.line({ id: initialize?.id, result: {} }));
    return this.line({ id: request?.id, result: { thread, model: "m" } });
  }

  prompt(): Sent {
    const [request] = sent(
      this.protocol.prompt({ turnId: "host-turn", content: [{ type: "text", text: "hi" }] }),
    );
    return request ?? {};
  }

  /** Prompts, and accepts the turn under that id. */
  turn(id: string): void {
    this.line({ id: this.prompt().id, result: { turn: { id } } });
  }

  end(id: string, status: string, error: unknown = null): Step {
    return this.notify("turn/completed", { threadId: "thread", turn: { id, status, error } });
  }
}

/** What Codex answers to `hooks/list` when the gate is in place. */
function armedHooks(): unknown {
  for (const { call } of transcript("permission-allow").entries) {
    if (call.call !== "push" || !call.line.includes('"hooks":[{')) continue;
    return (JSON.parse(call.line) as { result: unknown }).result;
  }
  throw new Error("The recording lists no hooks.");
}

/** A server with a turn that runs. */
export function asking(permissions: ProtocolInput["permissions"] = "ask"): Server {
  const server = new Server({ permissions });
  const [initialize] = sent(server.protocol.open({}));
  const [, next] = sent(server.line({ id: initialize?.id, result: {} }));
  const [thread] =
    next?.method === "hooks/list" ? sent(server.line({ id: next.id, result: armedHooks() })) : [next];
  server.line({ id: thread?.id, result: { thread: { id: "thread" } } });
  server.turn("one");
  return server;
}
