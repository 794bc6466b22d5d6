import { isJsonObject, parseJson, stringField } from "../../../kit/json.ts";
import { expectEqual, expectTrue } from "../../provider-conformance/expectations.ts";
import { arbitraryLines } from "../arbitrary-lines.ts";
import { performCall, type TranscriptCall } from "../transcript.ts";
import {
  callsOf,
  killed,
  placesIn,
  play,
  protocolOf,
  type TranscriptRequirement,
  type TranscriptSubject,
} from "../transcript-requirement.ts";

export const damageRequirements: readonly TranscriptRequirement[] = [
  {
    id: "transcript.any-death",
    title: "ends each turn once, wherever the CLI dies",
    check(subject) {
      const calls = callsOf(subject);
      for (const place of placesIn(calls)) {
        playDamaged(subject, [...calls.slice(0, place), killed], `killed before call ${String(place + 1)}`);
      }
    },
  },
  {
    id: "transcript.any-loss",
    title: "ends each turn once, whichever line is missing",
    check(subject) {
      const calls = callsOf(subject);
      for (const place of placesIn(calls)) {
        if (calls[place]?.call !== "push") continue;
        const rest = calls.filter((_, index) => index !== place);
        playDamaged(subject, [...rest, killed], `without the line of call ${String(place + 1)}`);
      }
    },
  },
  {
    id: "transcript.any-cut",
    title: "ends each turn once, wherever a line is cut off",
    check(subject) {
      const calls = callsOf(subject);
      for (const place of placesIn(calls, 30)) {
        const call = calls[place];
        if (call?.call !== "push") continue;
        for (const part of [0.3, 0.7, 0.99]) {
          const line = call.line.slice(0, Math.max(1, Math.floor(call.line.length * part)));
          const cut = calls.map((each, index) => (index === place ? { ...call, line } : each));
          playDamaged(subject, [...cut, killed], `the line of call ${String(place + 1)} cut to ${line}`);
        }
      }
    },
  },
  {
    id: "transcript.any-line",
    title: "takes any line at any time: it does not throw, and ends no turn twice",
    check(subject) {
      const calls = callsOf(subject);
      const recorded = calls.flatMap((call) => (call.call === "push" ? [call.line] : []));
      for (const [round, lines] of arbitraryLines(recorded, { rounds: 12, linesPerRound: 25 }).entries()) {
        const strange: TranscriptCall[] = [...calls];
        for (const [index, line] of lines.entries()) {
          const place = 1 + ((index * 7919 + round * 104_729) % strange.length);
          strange.splice(place, 0, { call: "push", line });
        }
        playDamaged(subject, [...strange, killed], `with strange lines: ${JSON.stringify(lines)}`);
      }
    },
  },
  {
    id: "transcript.unparsed",
    title: "gives a line that is no message as agent.unparsed, cut at a bound",
    check(subject) {
      const long = `no message ${"é".repeat(5000)}`;
      for (const place of promptable(subject)) {
        for (const line of ["no message at all", long]) {
          const protocol = protocolOf(subject);
          play(protocol, callsOf(subject).slice(0, place));
          const { events = [] } = performCall(protocol, { call: "push", line });
          expectEqual(
            events.map(({ type }) => type),
            ["agent.unparsed"],
            `The events of the line ${line.slice(0, 40)}`,
          );
          const [event] = events;
          if (event?.type !== "agent.unparsed") continue;
          expectEqual(event.bytes, Buffer.byteLength(line), "bytes of agent.unparsed");
          expectEqual(event.truncated, line === long, "truncated of agent.unparsed");
        }
      }
    },
  },
  {
    id: "transcript.unknown",
    title: "gives a message of an unknown kind as agent.unknown, in a turn and between turns",
    check(subject) {
      const kinds = new Map<string, string>();
      for (const call of callsOf(subject)) {
        if (call.call !== "push") continue;
        const renamed = ofUnknownKind(call.line);
        if (renamed !== undefined) kinds.set(...renamed);
      }
      for (const place of promptable(subject)) {
        for (const [kind, line] of kinds) {
          const protocol = protocolOf(subject);
          play(protocol, callsOf(subject).slice(0, place));
          const { events = [] } = performCall(protocol, { call: "push", line });
          expectTrue(
            events.some(({ type }) => type === "agent.unknown"),
            `Expected agent.unknown for a message like ${kind} of a new kind, saw ${JSON.stringify(events)}.`,
          );
        }
      }
    },
  },
];

/** Plays calls that were not recorded like this, and says which they were when something is wrong. */
function playDamaged(subject: TranscriptSubject, calls: readonly TranscriptCall[], how: string): void {
  const wrong = (why: string, cause?: unknown): Error =>
    new Error(`${why} (${how.length > 600 ? `${how.slice(0, 600)}…` : how})`, { cause });
  let played;
  try {
    played = play(protocolOf(subject), calls);
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error), error);
  }
  const { prompts, ends } = played;
  if (ends !== prompts)
    throw wrong(`${String(prompts)} turns were prompted, and ${String(ends)} have ended.`);
}

/** Places in the first turn of a recording, and between its turns: behind the first prompt, and before the end. */
function promptable(subject: TranscriptSubject): readonly number[] {
  const calls = callsOf(subject);
  const prompt = calls.findIndex(({ call }) => call === "prompt");
  return prompt === -1 ? [] : [prompt + 1];
}

/** The message with another kind, and the kind that it has; `undefined` for an answer, which has none. */
function ofUnknownKind(line: string): readonly [string, string] | undefined {
  const message = parseJson(line);
  if (!isJsonObject(message)) return undefined;
  for (const member of ["method", "type"]) {
    const kind = stringField(message, member);
    // A request wants an answer, which is another thing than to be told.
    if (kind === undefined || message["id"] !== undefined) continue;
    return [kind, JSON.stringify({ ...message, [member]: "unknown_to_all" })];
  }
  return undefined;
}
