import fc from "fast-check";
import { setImmediate as nextTurnOfLoop } from "node:timers/promises";
import type { AgentEventBody } from "../../src/spec/events.ts";
import type { ScriptedAgent, ScriptedLine } from "../../src/testing/scripted-backend.ts";

/** One thing that a random agent does when it is prompted. */
export type Act =
  | { readonly do: "say"; readonly line: ScriptedLine }
  | { readonly do: "print"; readonly bytes: Uint8Array }
  | { readonly do: "complain"; readonly text: string }
  | { readonly do: "pause" };

/** How a prompted agent ends; `nothing`: not at all, until it is interrupted. */
export type Ending = "completed" | "failed" | "interrupted" | "twice" | "exit" | "crash" | "nothing";

export interface Script {
  readonly acts: readonly Act[];
  readonly ending: Ending;
  /** Where the bytes are cut that it prints. */
  readonly chunkBytes: number;
}

const id = fc.constantFrom("a", "b", "c");
const text = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("", "ä€😀", "\n", "\\", '"'));
const parent = fc.constantFrom({}, {}, { parentToolCallId: "a" });
const usage = fc.record({ inputTokens: fc.nat({ max: 1000 }), outputTokens: fc.nat({ max: 1000 }) });

const textEvent = fc
  .tuple(
    fc.constantFrom("message", "reasoning"),
    fc.constantFrom("started", "delta", "delta", "delta", "completed"),
    id,
    text,
    parent,
  )
  .map(([noun, verb, messageId, content, from]) => ({
    type: `${noun}.${verb}`,
    messageId,
    ...(verb === "started" ? {} : { text: content }),
    ...from,
  }));

const tool = { name: "Bash", kind: "execute", title: "ls", input: { command: "ls" } } as const;

const event = fc.oneof(
  { weight: 5, arbitrary: textEvent },
  id.map((toolCallId) => ({ type: "tool.started", toolCallId, ...tool })),
  fc.tuple(id, text).map(([toolCallId, output]) => ({ type: "tool.delta", toolCallId, output })),
  fc
    .tuple(id, text)
    .map(([toolCallId, output]) => ({ type: "tool.completed", toolCallId, status: "ok", output })),
  id.map((requestId) => ({ type: "permission.requested", requestId, tool, canRemember: false })),
  id.map((requestId) => ({ type: "permission.resolved", requestId, outcome: "cancelled", by: "agent" })),
  id.map((requestId) => ({ type: "question.requested", requestId, questions: [] })),
  usage.map((value) => ({ type: "usage.updated", usage: value })),
  fc.constant({ type: "plan.updated", entries: [] }),
) as fc.Arbitrary<AgentEventBody>;

const line: fc.Arbitrary<ScriptedLine> = fc.oneof(
  { weight: 6, arbitrary: fc.array(event, { maxLength: 4 }).map((events) => ({ events })) },
  { weight: 1, arbitrary: event.map((one) => ({ events: [one], background: true })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<ScriptedLine>(
      { ready: true },
      { responses: [{ id: "x" }] },
      { wakeAfterMs: 1 },
      { nativeSessionId: "n2" },
      {},
    ),
  },
);

/** Bytes that are no step: broken JSON, other JSON, no text at all. Never a whole step that could end a turn. */
export const junk = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.from([...bytes, 10])),
  fc
    .constantFrom(
      "null",
      "[]",
      "{",
      '{"events":null}',
      '{"events":[{"type":"turn.failed"}]}',
      '"',
      "\r",
      "\u2028",
      "{}{}",
    )
    .map((content) => Buffer.from(`${content}\n`)),
);

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: line.map((said) => ({ do: "say" as const, line: said })) },
  { weight: 1, arbitrary: junk.map((bytes) => ({ do: "print" as const, bytes })) },
  { weight: 1, arbitrary: text.map((said) => ({ do: "complain" as const, text: said })) },
  { weight: 2, arbitrary: fc.constant({ do: "pause" as const }) },
);

export const script: fc.Arbitrary<Script> = fc.record({
  acts: fc.array(act, { maxLength: 15 }),
  ending: fc.constantFrom<Ending>(
    "completed",
    "completed",
    "failed",
    "interrupted",
    "twice",
    "exit",
    "crash",
    "nothing",
  ),
  chunkBytes: fc.constantFrom(1, 3, 17, 100_000),
});

const agentFailure = { code: "agent_error", message: "no", retryable: false } as const;

const lastEvents: { readonly [Key in Ending]?: readonly AgentEventBody[] } = {
  completed: [{ type: "turn.completed", stopReason: "end_turn", usage: { inputTokens: 3, outputTokens: 5 } }],
  failed: [{ type: "turn.failed", error: agentFailure }],
  interrupted: [{ type: "turn.interrupted", by: "agent" }],
  twice: [
    { type: "turn.completed", stopReason: "end_turn" },
    { type: "turn.failed", error: agentFailure },
    { type: "message.delta", messageId: "late", text: "late" },
  ],
};

const printing = new WeakMap<object, Promise<unknown>>();

/** Prints a line cut into chunks, none of another line between them. */
export async function printLine(
  agent: ScriptedAgent,
  bytes: Uint8Array,
  chunkBytes = Infinity,
): Promise<void> {
  const print = async (): Promise<void> => {
    for (let start = 0; start < bytes.length; start += chunkBytes) {
      await agent.process.write(bytes.subarray(start, start + chunkBytes));
    }
  };
  const printed = (printing.get(agent.process) ?? Promise.resolve()).then(print);
  printing.set(
    agent.process,
    printed.catch(() => undefined),
  );
  await printed;
}

/** Plays a script; resolves to the exit code when the agent ends with it. */
export async function play(
  { acts, ending, chunkBytes }: Script,
  agent: ScriptedAgent,
): Promise<number | undefined> {
  const print = async (bytes: Uint8Array): Promise<void> => printLine(agent, bytes, chunkBytes);
  for (const one of acts) {
    if (one.do === "say") await print(Buffer.from(`${JSON.stringify(one.line)}\n`));
    else if (one.do === "print") await print(one.bytes);
    else if (one.do === "complain") await agent.process.writeError(one.text);
    else await nextTurnOfLoop();
  }
  const events = lastEvents[ending];
  // The last line of one that exits has no line feed, and ends in half a character.
  if (events !== undefined) await print(Buffer.from(`${JSON.stringify({ events })}\n`));
  else if (ending !== "nothing") await print(Uint8Array.of(123, 0xe2, 0x82));
  return ending === "exit" ? 0 : ending === "crash" ? 139 : undefined;
}
