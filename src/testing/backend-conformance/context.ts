import type { CreateSessionOptions } from "../../agent-options.ts";
import { SandboxAgent } from "../../sandbox-agent.ts";
import type { Session } from "../../session/session.ts";
import type { PromptOptions, Turn } from "../../session/turn.ts";
import type { AgentBackend } from "../../spec/backend.ts";
import type { PromptInput } from "../../spec/content.ts";
import type { AgentEvent, AgentEventType } from "../../spec/events.ts";
import type { SandboxProvider } from "../../spec/sandbox.ts";
import type { ModelServer, Scenario } from "../model-server/index.ts";
import type { BackendContext, EventOf, PlayedTurn } from "./requirement.ts";

export class RequirementContext implements BackendContext {
  readonly backend: AgentBackend;
  readonly server: ModelServer;
  readonly apiKey: string;
  readonly otherModel: string;
  readonly follow: (scenario: Scenario) => void;
  readonly #sandbox: () => SandboxProvider;
  readonly #patienceMs: number;
  #box: Promise<SandboxAgent> | undefined;

  constructor(parts: {
    readonly backend: AgentBackend;
    readonly server: ModelServer;
    readonly apiKey: string;
    readonly otherModel: string;
    readonly follow: (scenario: Scenario) => void;
    readonly sandbox: () => SandboxProvider;
    readonly patienceMs: number;
  }) {
    this.backend = parts.backend;
    this.server = parts.server;
    this.apiKey = parts.apiKey;
    this.otherModel = parts.otherModel;
    this.follow = parts.follow;
    this.#sandbox = parts.sandbox;
    this.#patienceMs = parts.patienceMs;
  }

  async box(): Promise<SandboxAgent> {
    this.#box ??= SandboxAgent.start({
      sandbox: this.#sandbox(),
      agent: this.backend,
      permissions: "allow-all",
    });
    return this.within(this.#box, "the start of a sandbox");
  }

  async session(options: CreateSessionOptions = {}): Promise<Session> {
    const box = await this.box();
    return this.within(box.createSession(options), "the start of a session");
  }

  async play(session: Session, input: PromptInput, options: PromptOptions = {}): Promise<PlayedTurn> {
    const turn: Turn = session.prompt(input, { ...options, reject: false });
    const events: AgentEvent[] = [];
    const read = async (): Promise<void> => {
      for await (const event of turn) events.push(event);
    };
    await this.within(read(), `the end of the turn: ${summary(input)}`);
    return { events, result: await turn };
  }

  async complete(session: Session, input: PromptInput, options: PromptOptions = {}): Promise<PlayedTurn> {
    const played = await this.play(session, input, options);
    const { status, error } = played.result;
    if (status === "completed") return played;
    const why = error === undefined ? "" : `, ${error.code}: ${error.message}`;
    throw new Error(`Expected a completed turn, saw one that was ${status}${why}: ${summary(input)}`);
  }

  begin(session: Session, input: PromptInput): Turn {
    return session.prompt(input, { reject: false });
  }

  async until<Type extends AgentEventType>(session: Session, turn: Turn, type: Type): Promise<EventOf<Type>> {
    const wait = async (): Promise<EventOf<Type>> => {
      for await (const event of session.events({ from: 1 })) {
        if (event.turnId !== turn.id) continue;
        if (event.type === type) return event as EventOf<Type>;
        if (event.type.startsWith("turn.") && event.type !== "turn.queued" && event.type !== "turn.started")
          throw new Error(`Expected an event ${type}, saw the end of the turn: ${JSON.stringify(event)}`);
      }
      throw new Error(`Expected an event ${type}, saw the end of the session.`);
    };
    return this.within(wait(), `an event ${type}`);
  }

  async close(session: Session): Promise<readonly AgentEvent[]> {
    await this.within(session.close(), "the end of the session");
    const events: AgentEvent[] = [];
    for await (const event of session.events({ from: 1 })) events.push(event);
    return events;
  }

  async shell(script: string): Promise<string> {
    const box = await this.box();
    const { exitCode, stdout, stderr } = await box.exec(["/bin/sh", "-c", script], {
      timeoutMs: this.#patienceMs,
    });
    if (exitCode !== 0) throw new Error(`Exited with ${String(exitCode)}: ${script}\n${stderr}`);
    return stdout;
  }

  async within<Value>(
    promise: Promise<Value>,
    what: string,
    timeoutMs: number = this.#patienceMs,
  ): Promise<Value> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`Waited ${String(timeoutMs)} ms for ${what}.`));
      }, timeoutMs);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async destroy(): Promise<void> {
    const box = await this.#box?.catch(() => undefined);
    await box?.destroy();
  }
}

function summary(input: PromptInput): string {
  const text =
    typeof input === "string"
      ? input
      : input.map((part) => (part.type === "text" ? part.text : part.type)).join("\n");
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
