import { afterEach } from "vitest";
import type { SessionDefaults } from "../../../src/agent-options.ts";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import type { AgentEvent, AgentEventBody, AgentEventType } from "../../../src/spec/events.ts";
import type { Session } from "../../../src/session/session.ts";
import {
  memorySandbox,
  type MemorySandboxOptions,
  type MemorySandboxProvider,
} from "../../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend, type ScriptedAgent } from "../../../src/testing/scripted-backend.ts";

export type Handler = Parameters<typeof scriptedAgent>[0];

const boxes: SandboxAgent[] = [];
afterEach(async () => {
  for (const box of boxes.splice(0)) await box.destroy();
});

export interface StartedBox {
  readonly box: SandboxAgent;
  readonly sandbox: MemorySandboxProvider;
}

/** A box with a scripted agent, which is destroyed after the test. */
export async function start(
  handle: Handler,
  backend: Parameters<typeof scriptedBackend>[0] = {},
  options: Omit<MemorySandboxOptions, "programs"> & {
    readonly env?: { readonly [name: string]: string };
    /** What the box gives to sessions that say nothing of it. */
    readonly defaults?: SessionDefaults;
  } = {},
): Promise<StartedBox> {
  const { env, defaults, ...sandboxOptions } = options;
  const sandbox = memorySandbox({ programs: { "scripted-agent": scriptedAgent(handle) }, ...sandboxOptions });
  const box = await SandboxAgent.start({
    sandbox,
    agent: scriptedBackend(backend),
    ...(env && { env }),
    ...defaults,
  });
  boxes.push(box);
  return { box, sandbox };
}

export const completed: AgentEventBody = { type: "turn.completed", stopReason: "end_turn" };

export function delta(text: string, messageId = "m1"): AgentEventBody {
  return { type: "message.delta", messageId, text };
}

/** Prints an answer and ends the turn. */
export async function answer(agent: ScriptedAgent, text: string): Promise<void> {
  await agent.say({ events: [delta(text)] });
  await agent.say({ events: [completed] });
}

export const echo: Handler = async (input, agent) => {
  if (input.type === "prompt") await answer(agent, `you said ${input.text}`);
};

export async function collect(events: AsyncIterable<AgentEvent>): Promise<AgentEvent[]> {
  const all: AgentEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** The first event of the type, also one that is in the log already. */
export async function eventOf(session: Session, type: AgentEventType, count = 1): Promise<AgentEvent> {
  let seen = 0;
  for await (const event of session.events({ from: 1 }))
    if (event.type === type && ++seen === count) return event;
  throw new Error(`The session ended without ${type}.`);
}

/** Everything in the log of a session, which must have ended. */
export async function historyOf(session: Session): Promise<AgentEvent[]> {
  return collect(session.events({ from: 1 }));
}

/** Resolves when everything that can happen without time passing has happened. */
export async function quiet(): Promise<void> {
  for (let round = 0; round < 20; round++) await new Promise((resolve) => setImmediate(resolve));
}
