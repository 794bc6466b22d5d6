import type {
  AgentExit,
  AgentProtocol,
  HostAnswer,
  HostRequest,
  NativeSession,
  ProtocolInput,
  Step,
  TurnInput,
} from "../../spec/backend.ts";

/** What a recording was made with: the first line of its file. */
export interface TranscriptHead {
  /** The backend's name. */
  readonly backend: string;
  readonly scenario: string;
  readonly about: string;
  readonly cli: { readonly package: string; readonly version: string };
  /** The options that the backend was made with, without those that only lead it to the model server. */
  readonly options: unknown;
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
  | { readonly call: "tick" }
  | { readonly call: "end"; readonly exit: AgentExit };

/** What a backend is expected to make of a call. `raw` is left out: it is the line itself. */
export type ExpectedStep = Omit<Step, "raw">;

/** One call of the protocol, and the step that it returned. */
export interface TranscriptEntry {
  readonly call: TranscriptCall;
  readonly step: ExpectedStep;
}

/** A conversation with a real CLI: every call of the protocol, and what came of it. */
export interface Transcript {
  readonly head: TranscriptHead;
  readonly entries: readonly TranscriptEntry[];
}

/** Makes the call, as the core would. */
export function performCall(protocol: AgentProtocol, call: TranscriptCall): Step {
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
    case "tick":
      return protocol.tick();
    case "end":
      return protocol.end(call.exit);
  }
}

/** The step as it is written to a file, without what says nothing. */
export function expectedStep(step: Step): ExpectedStep {
  const { raw: _raw, events, background, responses, ...rest } = step;
  const hasEvents = events !== undefined && events.length > 0;
  const kept: ExpectedStep = {
    ...rest,
    ...(hasEvents ? { events } : {}),
    ...(hasEvents && background !== undefined ? { background } : {}),
    ...(responses === undefined || responses.length === 0 ? {} : { responses }),
  };
  // What JSON leaves out, such as a member that is undefined, is no part of a recording either.
  return JSON.parse(JSON.stringify(kept)) as ExpectedStep;
}

/** Writes one JSON value per line: the head, then each call, followed by its step unless that is empty. */
export function formatTranscript({ head, entries }: Transcript): string {
  const lines: unknown[] = [head];
  for (const { call, step } of entries) {
    lines.push(call);
    if (Object.keys(step).length > 0) lines.push({ step });
  }
  return lines.map((line) => `${JSON.stringify(line, withBytes)}\n`).join("");
}

/** Reads what {@link formatTranscript} wrote. A recording is a part of the tests, and so is trusted. */
export function parseTranscript(text: string): Transcript {
  const [head, ...rest] = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line, asBytes) as unknown);
  const entries: { call: TranscriptCall; step: ExpectedStep }[] = [];
  for (const line of rest as readonly (TranscriptCall | { readonly step: ExpectedStep })[]) {
    const last = entries.at(-1);
    if ("call" in line) entries.push({ call: line, step: {} });
    else if (last !== undefined) last.step = line.step;
  }
  return { head: head as TranscriptHead, entries };
}

/** Bytes, such as those of an image, stand in a recording as base64. */
function withBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { $base64: Buffer.from(value).toString("base64") } : value;
}

function asBytes(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("$base64" in value)) return value;
  return typeof value.$base64 === "string" ? new Uint8Array(Buffer.from(value.$base64, "base64")) : value;
}
