import { readFileSync } from "node:fs";
import type { ClaudeOptions } from "../../../backends/claude/index.ts";
import type {
  AgentExit,
  HostAnswer,
  HostRequest,
  NativeSession,
  ProtocolInput,
  Step,
  TurnInput,
} from "../../../src/kit.ts";

/** What a recording was made with: the first line of its file. */
export interface TranscriptHead {
  readonly backend: "claude";
  readonly scenario: string;
  readonly about: string;
  readonly cli: { readonly package: string; readonly version: string };
  readonly options: ClaudeOptions;
  readonly input: ProtocolInput;
}

/** One call of the protocol. `push` is a line of the CLI's standard output. */
export type TranscriptCall =
  | { readonly call: "open"; readonly resume?: NativeSession; readonly argv: readonly string[] }
  | { readonly call: "prompt"; readonly turn: TurnInput }
  | { readonly call: "push"; readonly line: string }
  | { readonly call: "reply"; readonly answer: HostAnswer }
  | { readonly call: "interrupt" }
  | { readonly call: "request"; readonly request: HostRequest }
  | { readonly call: "end"; readonly exit: AgentExit };

/** What the backend is expected to make of the call before. `raw` is left out: it is the line itself. */
export type ExpectedStep = Omit<Step, "raw">;

export interface TranscriptEntry {
  readonly call: TranscriptCall;
  readonly step: ExpectedStep;
}

export interface Transcript {
  readonly head: TranscriptHead;
  readonly entries: readonly TranscriptEntry[];
}

/** The step as it is written to a file, without what says nothing. */
export function expectedStep(step: Step): ExpectedStep {
  const { raw: _raw, events, background, responses, ...rest } = step;
  const hasEvents = events !== undefined && events.length > 0;
  return {
    ...rest,
    ...(hasEvents ? { events: events } : {}),
    ...(hasEvents && background !== undefined ? { background } : {}),
    ...(responses === undefined || responses.length === 0 ? {} : { responses }),
  };
}

/** One JSON value per line: the head, then each call, followed by its step unless that is empty. */
export function writeTranscript({ head, entries }: Transcript): string {
  const lines: unknown[] = [head];
  for (const { call, step } of entries) {
    lines.push(call);
    if (Object.keys(step).length > 0) lines.push({ step });
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Reads what {@link writeTranscript} wrote. Recordings are part of the repository, and so are trusted. */
export function readTranscript(file: string): Transcript {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const [head, ...rest] = lines.map((line) => JSON.parse(line) as unknown);
  const entries: { call: TranscriptCall; step: ExpectedStep }[] = [];
  for (const line of rest as readonly (TranscriptCall | { readonly step: ExpectedStep })[]) {
    const last = entries.at(-1);
    if ("call" in line) entries.push({ call: line, step: {} });
    else if (last !== undefined) last.step = line.step;
  }
  return { head: head as TranscriptHead, entries };
}
