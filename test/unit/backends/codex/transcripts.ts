import { codex } from "../../../../backends/codex/index.ts";
import type { AgentEventBody } from "../../../../src/kit.ts";
import { Recordings, type ExpectedStep, type Transcript } from "../replay.ts";

export { eventsOf as ofType, isTerminal } from "../replay.ts";

export const recordings = new Recordings("codex", codex);

export const scenarioNames = recordings.names;

export function transcript(name: string): Transcript {
  return recordings.transcript(name);
}

/** What the backend makes of the recording today, in the form in which it was recorded. */
export function replay({ head }: Transcript): readonly ExpectedStep[] {
  return recordings.replay(head.scenario).steps;
}

/** The events of a recording, background ones left out unless asked for. */
export function eventsOf(name: string, withBackground = false): readonly AgentEventBody[] {
  const { steps, events } = recordings.replay(name);
  return withBackground ? steps.flatMap((step) => step.events ?? []) : events;
}
