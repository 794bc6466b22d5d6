import { readdirSync } from "node:fs";
import { readTranscript } from "../../../scripts/record/transcript.ts";
import { repositoryRoot } from "../../../scripts/subpaths.ts";
import type { AgentBackend, AgentEventBody, AgentProtocol } from "../../../src/kit.ts";
import {
  expectedStep,
  performCall,
  type ExpectedStep,
  type Transcript,
  type TranscriptCall,
} from "../../../src/testing/backend-conformance/transcript.ts";

export type { ExpectedStep, Transcript, TranscriptCall };
export { expectedStep, performCall };

export interface Replayed {
  /** Every step, as recordings hold them. */
  readonly steps: readonly ExpectedStep[];
  /** The events of turns. */
  readonly events: readonly AgentEventBody[];
  /** The events of no turn. */
  readonly background: readonly AgentEventBody[];
  readonly written: readonly string[];
}

/** The recordings of one backend in `test/transcripts/<name>`, and what the backend makes of them today. */
export class Recordings {
  readonly names: readonly string[];
  /** The backend's factory. */
  readonly make: (options: never) => AgentBackend;
  readonly #folder: string;
  readonly #read = new Map<string, Transcript>();

  /** `make` is the backend's factory: it is called with the options that a recording names. */
  constructor(backend: string, make: (options: never) => AgentBackend) {
    this.#folder = `${repositoryRoot}test/transcripts/${backend}`;
    this.make = make;
    this.names = readdirSync(this.#folder)
      .filter((file) => file.endsWith(".jsonl"))
      .map((file) => file.slice(0, -".jsonl".length));
  }

  transcript(name: string): Transcript {
    let transcript = this.#read.get(name);
    if (transcript === undefined) {
      transcript = readTranscript(`${this.#folder}/${name}.jsonl`);
      this.#read.set(name, transcript);
    }
    return transcript;
  }

  backendOf({ head }: Transcript): AgentBackend {
    return this.make(head.options as never);
  }

  /** A fresh protocol for the recorded session. */
  protocolOf(transcript: Transcript): AgentProtocol {
    return this.backendOf(transcript).protocol(transcript.head.input);
  }

  /** Plays a recording to a fresh protocol. */
  replay(name: string): Replayed {
    const transcript = this.transcript(name);
    return this.replayCalls(
      transcript,
      transcript.entries.map(({ call }) => call),
    );
  }

  /**
   * How the turns of a recording end. What that must be is written by hand: the recorded steps only show that nothing has
   * changed.
   */
  terminals(name: string): readonly AgentEventBody[] {
    return this.replay(name).events.filter(isTerminal);
  }

  /** The texts of its messages. */
  texts(name: string): readonly string[] {
    return eventsOf(this.replay(name).events, "message.completed").map(({ text }) => text);
  }

  /** Plays other calls than were recorded, for example fewer, to a fresh protocol. */
  replayCalls(transcript: Transcript, calls: readonly TranscriptCall[]): Replayed {
    const protocol = this.protocolOf(transcript);
    const steps = calls.map((call) => expectedStep(performCall(protocol, call)));
    return {
      steps,
      events: steps.flatMap((step) => (step.background === true ? [] : (step.events ?? []))),
      background: steps.flatMap((step) => (step.background === true ? (step.events ?? []) : [])),
      written: steps.flatMap((step) => step.write ?? []),
    };
  }
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
