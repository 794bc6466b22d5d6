import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codex } from "../../../../backends/codex/index.ts";
import type { ProcessMode, ProtocolInput, Step } from "../../../../src/kit.ts";
import { isTerminal, scenarioNames, transcript } from "./transcripts.ts";

const input: ProtocolInput = {
  sessionId: "0b54b6de-3f0c-4a4b-8d0e-6a4f3a8f9c11",
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "ask",
  mcpServers: {},
  answersQuestions: true,
  libraryVersion: "0.0.0",
};

const killed = { code: null, signal: "SIGKILL", stderr: "" } as const;
const modes = fc.constantFrom<ProcessMode>("session", "turn");

function terminals(step: Step): number {
  return (step.events ?? []).filter(isTerminal).length;
}

describe("any input", () => {
  const recordedLines = scenarioNames.flatMap((name) =>
    transcript(name).entries.flatMap(({ call }) => (call.call === "push" ? [call.line] : [])),
  );
  const methods = [
    ...new Set(recordedLines.flatMap((line) => /"method":"([^"]+)"/.exec(line)?.[1] ?? [])),
    "item/commandExecution/requestApproval",
    "item/permissions/requestApproval",
    "item/tool/call",
  ];
  const itemTypes = [
    "agentMessage",
    "commandExecution",
    "fileChange",
    "mcpToolCall",
    "webSearch",
    "subAgentActivity",
    "nonsense",
  ];
  const value = fc.oneof(
    { maxDepth: 3 },
    fc.jsonValue(),
    fc.constantFrom("thread", "turn", "completed", ...itemTypes),
  );
  const item = fc.record(
    {
      type: fc.constantFrom(...itemTypes),
      id: value,
      changes: value,
      status: value,
      text: value,
      command: value,
      result: value,
      kind: value,
    },
    { requiredKeys: ["type"] },
  );
  const params = fc.record(
    {
      threadId: value,
      turnId: value,
      turn: value,
      item: fc.oneof(item, value),
      itemId: value,
      delta: value,
      tokenUsage: value,
      error: value,
    },
    { requiredKeys: [] },
  );
  const notification = fc
    .record({ method: fc.constantFrom(...methods), params, id: fc.option(fc.nat(3), { nil: undefined }) })
    .map((message) => JSON.stringify(message));
  const execLine = fc
    .record({
      type: fc.constantFrom(
        "thread.started",
        "item.started",
        "item.completed",
        "turn.completed",
        "turn.failed",
        "error",
        "x",
      ),
      item,
      thread_id: value,
      usage: value,
      error: value,
      message: value,
    })
    .map((message) => JSON.stringify(message));
  const answer = fc
    .record({ id: fc.nat(8), result: fc.oneof(value, fc.record({ thread: fc.record({ id: fc.string() }) })) })
    .map((message) => JSON.stringify(message));
  const recorded = fc.constantFrom(...recordedLines);
  const damaged = recorded.chain((line) => fc.nat(line.length).map((end) => line.slice(0, end) || "{"));
  const line = fc.oneof(
    notification,
    execLine,
    answer,
    recorded,
    damaged,
    fc.json(),
    fc.string({ minLength: 1 }),
  );

  it("never makes the protocol throw, and ends each prompt once", () => {
    fc.assert(
      fc.property(
        modes,
        fc.array(
          fc.oneof(
            { weight: 8, arbitrary: line },
            { weight: 1, arbitrary: fc.constantFrom("prompt", "interrupt", "die") },
          ),
          { maxLength: 60 },
        ),
        (mode, inputs) => {
          const protocol = codex({ mode }).protocol(input);
          protocol.open({});
          let isRunning = false;
          const step = (result: Step): void => {
            const ends = terminals(result);
            expect(ends).toBeLessThanOrEqual(isRunning ? 1 : 0);
            if (ends === 1) isRunning = false;
          };
          for (const given of inputs) {
            if (given === "prompt") {
              if (isRunning) continue;
              isRunning = true;
              step(protocol.prompt({ turnId: "t", content: [{ type: "text", text: "hi" }] }));
            } else if (given === "interrupt") step(protocol.interrupt());
            else if (given === "die") {
              step(protocol.end(killed));
              expect(isRunning).toBe(false);
              protocol.open({});
            } else step(protocol.push(given));
          }
          step(protocol.end(killed));
          expect(isRunning).toBe(false);
        },
      ),
      { numRuns: 400 },
    );
  });

  it("turns what is no message into an event", () => {
    const protocol = codex().protocol(input);
    protocol.open({});
    const long = "é".repeat(5000);
    expect(protocol.push("no JSON").events).toEqual([
      { type: "agent.unparsed", line: "no JSON", bytes: 7, truncated: false },
    ]);
    expect(protocol.push(long).events).toMatchObject([
      { type: "agent.unparsed", bytes: 10_000, truncated: true },
    ]);
    expect(protocol.push('{"method":"new/thing","params":{}}').events).toEqual([
      { type: "agent.unknown", raw: { method: "new/thing", params: {} } },
    ]);
  });
});
