import type { AgentEventBody, AgentProtocol } from "playpen/kit";
import type { Flaw } from "../reference-agent.ts";

/** A copy of the reference agent that does one thing wrong, and what the suite must see. */
export interface Broken {
  /** The requirement that it must fail. */
  readonly id: string;
  /** As the rest of a sentence that begins with "it". */
  readonly how: string;
  readonly flaw: Flaw;
  readonly seen: RegExp;
}

type EventType = AgentEventBody["type"];
type EventOf<Type extends EventType> = Extract<AgentEventBody, { readonly type: Type }>;

/** Replaces the events of one type. */
export function change<Type extends EventType>(
  type: Type,
  replace: (event: EventOf<Type>) => readonly AgentEventBody[],
): Flaw {
  return { event: (event) => (event.type === type ? replace(event as EventOf<Type>) : [event]) };
}

export function wrap(make: (protocol: AgentProtocol) => Partial<AgentProtocol>): Flaw {
  return {
    protocol: (protocol) => ({
      open: (start) => protocol.open(start),
      prompt: (turn) => protocol.prompt(turn),
      push: (line) => protocol.push(line),
      reply: (answer) => protocol.reply(answer),
      interrupt: () => protocol.interrupt(),
      request: (request) => protocol.request?.(request) ?? {},
      tick: () => protocol.tick(),
      end: (exit) => protocol.end(exit),
      ...make(protocol),
    }),
  };
}

/** A flaw of the agent's program itself, by its name there. */
export function program(flaw: string): Flaw {
  return { flaw };
}
