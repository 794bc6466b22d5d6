import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Segment } from "../../../src/log/segment.ts";
import type { AgentEvent } from "../../../src/spec/events.ts";

const event = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      {
        type: fc.constantFrom("message.delta", "message.delta", "reasoning.delta"),
        messageId: fc.constantFrom("a", "a", "a", "b"),
        text: fc.oneof(fc.string(), fc.constantFrom("😀", "ä", "\ud800", "x".repeat(50))),
        turnId: fc.constantFrom("t", "t", "t", undefined),
        parentToolCallId: fc.constantFrom("p", undefined),
        raw: fc.constantFrom({ some: "object" }, undefined),
      },
      { requiredKeys: ["type", "messageId", "text"] },
    ),
  },
  { weight: 1, arbitrary: fc.constant({ type: "plan.updated", entries: [], turnId: "t" }) },
);

describe("Segment", () => {
  it("gives back every event as it was, also after it was packed", () => {
    const run = fc
      .tuple(event, fc.integer({ min: 1, max: 30 }))
      .map(([one, count]) => Array<object>(count).fill(one));
    fc.assert(
      fc.property(fc.array(run, { maxLength: 9 }), fc.array(fc.nat({ max: 5 })), (runs, pauses) => {
        const segment = new Segment();
        let at = 1_700_000_000_000;
        const events = runs.flat().map((body, index) => {
          at += pauses[index % (pauses.length + 1)] ?? 0;
          return { ...body, seq: index + 7, at, sessionId: "s" } as AgentEvent;
        });
        for (const one of events) segment.push(one, 3);
        segment.pack();
        expect(events.map((_, index) => segment.at(index))).toStrictEqual(events);
        expect(segment.at(events.length)).toBeUndefined();
        expect(segment.bytes).toBe(3 * events.length);
      }),
      { numRuns: 300 },
    );
  });
});
