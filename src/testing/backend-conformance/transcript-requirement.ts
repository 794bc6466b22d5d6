import type { AgentBackend, AgentProtocol, Step } from "../../spec/backend.ts";
import { performCall, type Transcript, type TranscriptCall } from "./transcript.ts";

/**
 * One thing that every backend must make of what its CLI once said. It starts nothing: it is fulfilled when `check`
 * returns, and broken when it throws an `Error` that says what was expected and what was seen.
 */
export interface TranscriptRequirement {
  /** Stable over releases, for example `transcript.any-death`. */
  readonly id: string;
  /** What the backend does, as the rest of a sentence that begins with "it". */
  readonly title: string;
  check(subject: TranscriptSubject): void | Promise<void>;
}

/** A recording, and the backend that it is of. */
export interface TranscriptSubject {
  readonly transcript: Transcript;
  /** Made with the recorded options. */
  readonly backend: AgentBackend;
  /** Some tool call of it is left open, because the CLI did not live to tell its end. */
  readonly isUnfinished: boolean;
}

/** A fresh protocol for the recorded session. */
export function protocolOf({ backend, transcript }: TranscriptSubject): AgentProtocol {
  return backend.protocol(transcript.head.input);
}

export function callsOf({ transcript }: TranscriptSubject): readonly TranscriptCall[] {
  return transcript.entries.map(({ call }) => call);
}

export interface PlayedCalls {
  readonly steps: readonly Step[];
  /** How many prompts there were, and how many terminal events in turns. */
  readonly prompts: number;
  readonly ends: number;
}

/**
 * Makes the calls as the core would: without the end of its turn it does not come to the next prompt. Throws when more
 * turns are ended than there are.
 */
export function play(protocol: AgentProtocol, calls: readonly TranscriptCall[]): PlayedCalls {
  const steps: Step[] = [];
  let prompts = 0;
  let ends = 0;
  for (const call of calls) {
    if (call.call === "prompt") {
      if (prompts > ends) continue;
      prompts += 1;
    }
    const step = performCall(protocol, call);
    steps.push(step);
    if (step.background !== true) ends += (step.events ?? []).filter(({ type }) => isTerminal(type)).length;
    if (ends > prompts)
      throw new Error(`${String(ends)} turns have ended, of ${String(prompts)} that were prompted.`);
  }
  return { steps, prompts, ends };
}

export const killed = {
  call: "end",
  exit: { code: null, signal: "SIGKILL", stderr: "" },
} as const satisfies TranscriptCall;

export function isTerminal(type: string): boolean {
  return type === "turn.completed" || type === "turn.failed" || type === "turn.interrupted";
}

/** At most so many places in a recording, evenly: every place of a long one would take seconds. */
export function placesIn(calls: readonly unknown[], limit = 60): readonly number[] {
  const stride = Math.ceil(calls.length / limit);
  return calls.map((_, index) => index).filter((index) => index % stride === 0);
}
