import { readdirSync } from "node:fs";
import {
  expectedStep,
  readTranscript,
  type ExpectedStep,
  type Transcript,
  type TranscriptCall,
} from "../../../../scripts/record/codex-transcript.ts";
import { repositoryRoot } from "../../../../scripts/subpaths.ts";
import { codex } from "../../../../backends/codex/index.ts";
import type { AgentEventBody, AgentProtocol, Step } from "../../../../src/kit.ts";

const folder = `${repositoryRoot}test/transcripts/codex`;

export const scenarioNames = readdirSync(folder)
  .filter((file) => file.endsWith(".jsonl"))
  .map((file) => file.replace(/\.jsonl$/, ""));

export function transcript(name: string): Transcript {
  return readTranscript(`${folder}/${name}.jsonl`);
}

export function protocolOf({ head }: Transcript): AgentProtocol {
  return codex(head.options).protocol(head.input);
}

export function perform(protocol: AgentProtocol, call: TranscriptCall): Step {
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

/** What the backend makes of the recording today, in the form in which it was recorded. */
export function replay(recording: Transcript): ExpectedStep[] {
  const protocol = protocolOf(recording);
  return recording.entries.map(({ call }) => {
    const step = expectedStep(perform(protocol, call));
    return JSON.parse(JSON.stringify(step)) as ExpectedStep;
  });
}

/** The events of a recording, background ones left out unless asked for. */
export function eventsOf(name: string, withBackground = false): AgentEventBody[] {
  return replay(transcript(name)).flatMap((step) =>
    step.background === true && !withBackground ? [] : [...(step.events ?? [])],
  );
}

export function ofType<Type extends AgentEventBody["type"]>(
  events: readonly AgentEventBody[],
  type: Type,
): Extract<AgentEventBody, { type: Type }>[] {
  return events.filter((event): event is Extract<AgentEventBody, { type: Type }> => event.type === type);
}

export function isTerminal(event: AgentEventBody): boolean {
  return event.type === "turn.completed" || event.type === "turn.failed" || event.type === "turn.interrupted";
}
