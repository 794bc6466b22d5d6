import { isJsonObject, parseJson } from "../../../kit/json.ts";
import { SandboxAgent } from "../../../sandbox-agent.ts";
import type { AgentBackend } from "../../../spec/backend.ts";
import type { AgentEvent } from "../../../spec/events.ts";
import { checkEventInvariants } from "../../event-invariants.ts";
import { memorySandbox } from "../../memory-sandbox.ts";
import { expectEqual } from "../../provider-conformance/expectations.ts";
import { type Cut, recordedProgram } from "../recorded-process.ts";
import { callsOf, type TranscriptRequirement, type TranscriptSubject } from "../transcript-requirement.ts";

const program = "recorded-cli";
const deadlineMs = 20_000;

export const sessionRequirements: readonly TranscriptRequirement[] = [
  {
    id: "transcript.session",
    title: "makes the same well-formed session of the recorded output, however its bytes are cut",
    async check(subject) {
      // What a host answers, and when, is not in the output.
      if (!callsOf(subject).every(({ call }) => isOfTheCli(call))) return;
      const whole = await sessionOf(subject, (bytes) => [bytes]);
      expectEqual(checkEventInvariants(whole), [], "What is wrong with the events");
      for (const size of [37, 1009]) {
        const cut = await sessionOf(subject, (bytes) => inPieces(bytes, size));
        const [expected, seen] = [comparable(whole), comparable(cut)];
        for (const [index, event] of expected.entries()) {
          expectEqual(
            seen[index],
            event,
            `Event ${String(index + 1)} of the output in pieces of ${String(size)}`,
          );
        }
        expectEqual(seen.length, expected.length, `Events of the output in pieces of ${String(size)}`);
      }
    },
  },
];

function isOfTheCli(call: string): boolean {
  return call === "open" || call === "prompt" || call === "push" || call === "end";
}

/** Runs a session of the library whose CLI prints the recording. */
async function sessionOf(subject: TranscriptSubject, cut: Cut): Promise<readonly AgentEvent[]> {
  const { transcript } = subject;
  const { permissions } = transcript.head.input;
  const box = await SandboxAgent.start({
    sandbox: memorySandbox({ programs: { [program]: recordedProgram(transcript, cut) } }),
    agent: recordedAgent(subject),
    permissions: permissions === "ask" ? () => "deny" : permissions,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`The session has not ended within ${String(deadlineMs)} ms.`));
    }, deadlineMs);
  });
  try {
    return await Promise.race([play(box, subject), late]);
  } finally {
    clearTimeout(timer);
    await box.destroy();
  }
}

async function play(box: SandboxAgent, subject: TranscriptSubject): Promise<readonly AgentEvent[]> {
  const events: AgentEvent[] = [];
  const session = await box.createSession().catch(() => undefined);
  // A recording of a CLI that does not start.
  if (session === undefined) return events;
  const reading = (async () => {
    for await (const event of session.events({ from: 1, backpressure: true })) events.push(event);
  })();
  for (const call of callsOf(subject)) {
    if (call.call === "prompt") await session.prompt([...call.turn.content], { reject: false });
  }
  await session.close();
  await reading;
  return events;
}

/** The backend with everything left out that has to do with the start of a real CLI. */
function recordedAgent({ backend, transcript }: TranscriptSubject): AgentBackend {
  return {
    ...backend,
    modelProblem: () => undefined,
    credentials: { anyOf: [], forwarded: [], secret: [] },
    env: {},
    command: [program],
    launch: () => ({ argv: [program], env: {}, files: [] }),
    protocol: () => backend.protocol(transcript.head.input),
  };
}

/** Events without what is another in every session; those of turns first, since the others come between them by chance. */
function comparable(events: readonly AgentEvent[]): readonly object[] {
  const turnIds = [...new Set(events.flatMap(({ turnId }) => turnId ?? []))];
  const bodies = events
    .filter(({ type }) => type !== "sandbox.progress")
    .map(({ seq: _seq, at: _at, sessionId: _sessionId, turnId, ...body }) => ({
      isOfTurn: turnId !== undefined,
      body: withoutIds("durationMs" in body ? { ...body, durationMs: 0 } : body, turnIds),
    }));
  return [...bodies.filter(({ isOfTurn }) => isOfTurn), ...bodies.filter(({ isOfTurn }) => !isOfTurn)].map(
    ({ body }) => body,
  );
}

/** Ids of messages may begin with that of their turn: its place stands in its stead. */
function withoutIds(body: object, turnIds: readonly string[]): object {
  const renamed = turnIds.reduce(
    (text, turnId, place) => text.replaceAll(turnId, `turn-${String(place + 1)}`),
    JSON.stringify(body),
  );
  const value = parseJson(renamed);
  return isJsonObject(value) ? value : body;
}

function* inPieces(bytes: Uint8Array, size: number): Iterable<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += size) yield bytes.subarray(start, start + size);
}
