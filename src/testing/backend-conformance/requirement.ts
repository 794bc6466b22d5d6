import type { CreateSessionOptions } from "../../agent-options.ts";
import type { SandboxAgent } from "../../sandbox-agent.ts";
import type { Session } from "../../session/session.ts";
import type { PromptOptions, Turn } from "../../session/turn.ts";
import type { AgentBackend } from "../../spec/backend.ts";
import type { PromptInput } from "../../spec/content.ts";
import type { AgentEvent, AgentEventType } from "../../spec/events.ts";
import type { TurnResult } from "../../spec/turn-result.ts";
import type { ModelServer, Scenario } from "../model-server/index.ts";
import type { CapabilityNeed } from "./capability-need.ts";

/**
 * One thing that every backend must do with its real CLI. It knows no test framework: it is fulfilled when `run`
 * resolves, and broken when it rejects with an `Error` that says what was expected and what was seen.
 */
export interface BackendRequirement {
  /** Stable over releases, for example `session.resume`. */
  readonly id: string;
  /** What the backend does, as the rest of a sentence that begins with "it". */
  readonly title: string;
  /** Skipped where the backend does not declare all of them. */
  readonly needs?: readonly CapabilityNeed[];
  run(context: BackendContext): Promise<void>;
}

/** What a requirement works with. The box and the model server are its own, and are gone when it has ended. */
export interface BackendContext {
  readonly backend: AgentBackend;
  /** Does what the prompts' directives say. */
  readonly server: ModelServer;
  /** The key that the CLI was given. Nothing may show it. */
  readonly apiKey: string;
  /** A model that the CLI can be told to use, beside the one it begins with. */
  readonly otherModel: string;
  /** From now on the model does what the scenario says, instead of the prompts' directives. */
  follow(scenario: Scenario): void;
  /** The one box of this requirement, with the agent in it. Every tool call is allowed unless a session says otherwise. */
  box(): Promise<SandboxAgent>;
  session(options?: CreateSessionOptions): Promise<Session>;
  /** Prompts, and waits for the end of the turn, however it ends. */
  play(session: Session, input: PromptInput, options?: PromptOptions): Promise<PlayedTurn>;
  /** Prompts, and fails unless the turn completes. */
  complete(session: Session, input: PromptInput, options?: PromptOptions): Promise<PlayedTurn>;
  /** Prompts, without waiting for anything. */
  begin(session: Session, input: PromptInput): Turn;
  /** Waits for an event of a turn that runs, and for its end if none comes. */
  until<Type extends AgentEventType>(session: Session, turn: Turn, type: Type): Promise<EventOf<Type>>;
  /** Closes the session and gives all events of it. */
  close(session: Session): Promise<readonly AgentEvent[]>;
  /** Runs a line of POSIX shell in the box, fails unless it exits with 0, and gives what it printed. */
  shell(script: string): Promise<string>;
  /** Fails when the promise does not settle within `timeoutMs` (default: the suite's patience). */
  within<Value>(promise: Promise<Value>, what: string, timeoutMs?: number): Promise<Value>;
}

/** A turn that has ended, with all its events. */
export interface PlayedTurn {
  readonly events: readonly AgentEvent[];
  readonly result: TurnResult;
}

/** One event type, narrowed. */
export type EventOf<Type extends AgentEventType> = Extract<AgentEvent, { readonly type: Type }>;

/** The events of one type, narrowed. */
export function eventsOf<Type extends AgentEventType>(
  events: readonly AgentEvent[],
  type: Type,
): readonly EventOf<Type>[] {
  return events.filter((event): event is EventOf<Type> => event.type === type);
}
