import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TextDeltaStep } from "../../../src/kit/text-delta-step.ts";
import { EventLog } from "../../../src/log/event-log.ts";
import { TurnLedger } from "../../../src/session/turn-ledger.ts";
import type { AgentEvent, AgentEventBody } from "../../../src/spec/events.ts";

function newLedger(holds = false): { readonly ledger: TurnLedger; readonly events: () => object[] } {
  const log = new EventLog("s", {
    onListenerError: (error) => {
      throw error;
    },
  });
  const ledger = new TurnLedger("s", {
    log,
    holds: () => holds,
    ended: () => undefined,
    costOf: () => undefined,
    now: () => 0,
  });
  return { ledger, events: () => log.slice(1, log.lastSeq).map(withoutTime) };
}

function withoutTime(event: AgentEvent): object {
  return { ...event, at: 0 };
}

const messageId = fc.constantFrom("m1", "m2");
const text = fc.constantFrom("", "one ", "two ");
const parts = fc.constantFrom({}, { parentToolCallId: "t" });
const body: fc.Arbitrary<AgentEventBody> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("message.delta" as const), messageId, text }) },
  fc
    .tuple(fc.record({ type: fc.constant("message.delta" as const), messageId, text }), parts)
    .map(([delta, more]) => ({ ...delta, ...more })),
  fc.record({ type: fc.constant("reasoning.delta" as const), messageId, text }),
  fc.record({ type: fc.constant("message.completed" as const), messageId, text }),
  fc.record({ type: fc.constant("message.started" as const), messageId }),
);

/** As a protocol gives it: a plain increment as a step of its own. */
function feed(ledger: TurnLedger, given: AgentEventBody): void {
  const isPlain = given.type === "message.delta" && given.parentToolCallId === undefined && given.text !== "";
  const isTaken = isPlain && ledger.extendText(new TextDeltaStep(given.messageId, given.text, ""), 0);
  if (!isTaken) ledger.accept({ ...given });
}

describe("TurnLedger", () => {
  it("records the same events of an increment, whichever way it comes", () => {
    fc.assert(
      fc.property(fc.array(body, { maxLength: 30 }), fc.boolean(), (bodies, goesOn) => {
        const [ordinary, short] = [newLedger(true), newLedger(true)];
        for (const { ledger } of [ordinary, short]) {
          ledger.begin("t");
          if (!goesOn) continue;
          ledger.accept({ type: "turn.completed", stopReason: "end_turn" });
          ledger.goOn();
        }
        for (const given of bodies) {
          ordinary.ledger.accept({ ...given });
          feed(short.ledger, given);
        }
        expect(short.events()).toEqual(ordinary.events());
        expect(short.ledger.text).toBe(ordinary.ledger.text);
      }),
      { numRuns: 500 },
    );
  });

  it("takes the short way for increments of the message that grows", () => {
    const { ledger, events } = newLedger();
    ledger.begin("t");
    ledger.accept({ type: "message.delta", messageId: "m1", text: "one " });
    expect(ledger.extendText(new TextDeltaStep("m1", "two", ""), 0)).toBe(true);
    expect(ledger.text).toBe("one two");
    expect(events().at(-1)).toEqual({
      ...{ type: "message.delta", seq: 3, at: 0, sessionId: "s", turnId: "t" },
      ...{ messageId: "m1", text: "two" },
    });
  });

  it("leaves increments outside of a turn to the ordinary way", () => {
    const { ledger } = newLedger();
    expect(ledger.extendText(new TextDeltaStep("m1", "one", ""), 0)).toBe(false);
  });
});
