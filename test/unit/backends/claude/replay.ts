import { claude } from "../../../../backends/claude/index.ts";
import type { AgentProtocol } from "../../../../src/kit.ts";
import { Recordings, type Replayed, type Transcript } from "../replay.ts";

export { eventsOf, isTerminal, performCall as makeCall, textOf } from "../replay.ts";

export const recordings = new Recordings("claude", claude);

export const transcriptNames = recordings.names;

export function transcript(name: string): Transcript {
  return recordings.transcript(name);
}

export function protocolOf(of: Transcript): AgentProtocol {
  return recordings.protocolOf(of);
}

export function replay(name: string): Replayed {
  return recordings.replay(name);
}
