import { readdirSync } from "node:fs";
import { claude } from "../../../../backends/claude/index.ts";
import {
  expectedStep,
  readTranscript,
  type ExpectedStep,
  type Transcript,
  type TranscriptCall,
} from "../../../../scripts/record/claude/transcript.ts";
import { repositoryRoot } from "../../../../scripts/subpaths.ts";
import type { AgentEventBody, AgentProtocol, Step } from "../../../../src/kit.ts";

const folder = `${repositoryRoot}test/transcripts/claude`;

export const transcriptNames: readonly string[] = readdirSync(folder)
  .filter((file) => file.endsWith(".jsonl"))
  .map((file) => file.slice(0, -".jsonl".length));

export function transcript(name: string): Transcript {
  return readTranscript(`${folder}/${name}.jsonl`);
}

export function protocolOf({ head }: Transcript): AgentProtocol {
  return claude(head.options).protocol(head.input);
}

export function makeCall(protocol: AgentProtocol, call: TranscriptCall): Step {
  switch (call.call) {
    case "open":
      return protocol.open(call.resume === undefined ? {} : { resume: call.resume });
    case "prompt":
      return protocol.prompt(call.turn);
    case "push":
      return protocol.push(call.line);
    case "reply":
      return protocol.reply(call.answer);
    case "interrupt":
      return protocol.interrupt();
    case "request":
      return protocol.request?.(call.request) ?? {};
    case "end":
      return protocol.end(call.exit);
  }
}

export interface Replayed {
  /** Every step, as recordings hold them. */
  readonly steps: readonly ExpectedStep[];
  /** The events of turns. */
  readonly events: readonly AgentEventBody[];
  /** The events of no turn. */
  readonly background: readonly AgentEventBody[];
  readonly written: readonly string[];
}

/** Plays a recording to a fresh protocol. */
export function replay(name: string): Replayed {
  return replayCalls(
    transcript(name),
    transcript(name).entries.map(({ call }) => call),
  );
}

export function replayCalls(of: Transcript, calls: readonly TranscriptCall[]): Replayed {
  const protocol = protocolOf(of);
  const steps = calls.map((call) => expectedStep(makeCall(protocol, call)));
  return {
    steps,
    events: steps.flatMap((step) => (step.background === true ? [] : (step.events ?? []))),
    background: steps.flatMap((step) => (step.background === true ? (step.events ?? []) : [])),
    written: steps.flatMap((step) => step.write ?? []),
  };
}

export function eventsOf<Type extends AgentEventBody["type"]>(
  events: readonly AgentEventBody[],
  type: Type,
): readonly Extract<AgentEventBody, { readonly type: Type }>[] {
  return events.filter(
    (event): event is Extract<AgentEventBody, { readonly type: Type }> => event.type === type,
  );
}

export function isTerminal(event: AgentEventBody): boolean {
  return event.type === "turn.completed" || event.type === "turn.failed" || event.type === "turn.interrupted";
}

export function textOf(events: readonly AgentEventBody[], type: "message.delta" | "reasoning.delta"): string {
  return eventsOf(events, type)
    .map(({ text }) => text)
    .join("");
}
