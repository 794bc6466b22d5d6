import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AcpProtocol, type AcpProfile, type HostAnswer, type Step } from "../../../../src/kit.ts";
import { endsTurn } from "../../../../src/spec/events.ts";
import { input, killed } from "./agent.ts";

const kinds = [
  "agent_message_chunk",
  "agent_thought_chunk",
  "user_message_chunk",
  "tool_call",
  "tool_call_update",
  "plan",
  "current_mode_update",
  "config_option_update",
  "session_info_update",
  "usage_update",
  "notice",
  "compaction_update",
  "available_commands_update",
  "nonsense",
];
const value = fc.oneof(
  { maxDepth: 3 },
  fc.jsonValue(),
  fc.constantFrom("c", "d", "completed", "failed", "pending"),
);
const text = fc.record({ type: fc.constantFrom("text", "image", "resource"), text: value });
const update = fc.record(
  {
    sessionUpdate: fc.constantFrom(...kinds),
    content: fc.oneof(
      text,
      fc.array(fc.record({ type: value, content: text, path: value, newText: value })),
      value,
    ),
    toolCallId: value,
    status: value,
    kind: value,
    rawInput: value,
    rawOutput: value,
    locations: value,
    entries: value,
    configOptions: value,
    cost: value,
    size: value,
    _meta: value,
  },
  { requiredKeys: ["sessionUpdate"] },
);
const id = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constantFrom("a", "b"));
const result = fc.oneof(
  fc.record({ sessionId: fc.constant("native"), modes: value, models: value, configOptions: value }),
  fc.record({ protocolVersion: fc.constant(1), agentCapabilities: value, authMethods: value }),
  fc.record({ stopReason: fc.constantFrom("end_turn", "cancelled", "x"), usage: value }),
  value,
);
const message = fc.oneof(
  fc.record({ id, result }),
  fc.record({ id, error: fc.oneof(fc.record({ code: value, message: value, data: value }), value) }),
  fc.record({
    method: fc.constant("session/update"),
    params: fc.record({ update: fc.oneof(update, value) }),
  }),
  fc.record({
    id,
    method: fc.constantFrom("session/request_permission", "fs/read_text_file", "terminal/create", "x"),
    params: fc.record({ toolCall: fc.oneof(update, value), options: value }),
  }),
  fc.record({ method: fc.string(), params: value }),
);
const line = fc.oneof(
  { weight: 6, arbitrary: message.map((parsed) => JSON.stringify(parsed)) },
  { weight: 1, arbitrary: fc.string() },
);

type Action = (protocol: AcpProtocol) => Step;

const answer = fc.oneof(
  fc.record({
    type: fc.constant("permission" as const),
    requestId: requestId(),
    outcome: fc.constant("allow" as const),
  }),
  fc.record({
    type: fc.constant("permission" as const),
    requestId: requestId(),
    outcome: fc.constant("deny" as const),
    message: fc.string(),
  }),
  fc.record({ type: fc.constant("question" as const), requestId: requestId() }),
);

function requestId(): fc.Arbitrary<string> {
  return fc.constantFrom("1.1", "1.2", "1.3");
}

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: line.map((text) => (protocol: AcpProtocol) => protocol.push(text)) },
  {
    weight: 2,
    arbitrary: answer.map((given: HostAnswer) => (protocol: AcpProtocol) => protocol.reply(given)),
  },
  { weight: 1, arbitrary: fc.constant<Action>((protocol) => protocol.interrupt()) },
  { weight: 1, arbitrary: fc.constant<Action>((protocol) => protocol.tick()) },
  {
    weight: 1,
    arbitrary: fc.constant<Action>((protocol) =>
      protocol.request({ id: "r", type: "set_model", model: "m" }),
    ),
  },
);

const profile = fc.record({
  agent: fc.constant("some"),
  product: fc.constant("Some Agent"),
  resumeBy: fc.constantFrom<NonNullable<AcpProfile["resumeBy"]>>("load", "resume", "none"),
  authMethods: fc.constantFrom([], ["a", "b"]),
  wholeThoughts: fc.boolean(),
});

function terminals(step: Step): number {
  return (step.events ?? []).filter((event) => endsTurn(event.type)).length;
}

describe("any input", () => {
  it("throws nothing, answers each prompt by exactly one end, and writes only JSON", () => {
    fc.assert(
      fc.property(
        profile,
        fc.constantFrom("ask", "allow-all", "deny-all"),
        fc.boolean(),
        fc.array(
          fc.oneof(
            { weight: 6, arbitrary: action },
            { weight: 1, arbitrary: fc.constant("prompt" as const) },
          ),
        ),
        (given, permissions, isResumed, actions) => {
          const protocol = new AcpProtocol({ ...input, permissions }, given);
          let prompts = 0;
          let ends = 0;
          const take = (step: Step): void => {
            ends += terminals(step);
            expect(ends).toBeLessThanOrEqual(prompts);
            for (const written of step.write ?? [])
              expect(JSON.parse(written)).toMatchObject({ jsonrpc: "2.0" });
          };
          take(protocol.open(isResumed ? { resume: { nativeSessionId: "old", fork: false } } : {}));
          for (const next of actions) {
            if (next !== "prompt") {
              take(next(protocol));
              continue;
            }
            prompts += 1;
            take(protocol.prompt({ turnId: `t${prompts}`, content: [{ type: "text", text: "hi" }] }));
          }
          take(protocol.end(killed));
          expect(ends).toBe(prompts);
          expect(protocol.end(killed).events).toBeUndefined();
        },
      ),
      { numRuns: 400 },
    );
  });

  it("never lets a call go on that the host denied", () => {
    fc.assert(
      fc.property(fc.array(update.map((told) => ({ ...told, toolCallId: "c" }))), (updates) => {
        const protocol = new AcpProtocol(input, { agent: "some", product: "Some Agent" });
        protocol.open({});
        protocol.push('{"id":1,"result":{"protocolVersion":1}}');
        protocol.push('{"id":2,"result":{"sessionId":"native"}}');
        protocol.prompt({ turnId: "t", content: [] });
        const params = { toolCall: { toolCallId: "c" }, options: [{ optionId: "y", kind: "allow_once" }] };
        protocol.push(JSON.stringify({ id: 7, method: "session/request_permission", params }));
        protocol.reply({ type: "permission", requestId: "1.1", outcome: "deny", message: "No." });
        for (const told of updates) {
          const { events = [] } = protocol.push(
            JSON.stringify({ method: "session/update", params: { update: told } }),
          );
          expect(events.filter(({ type }) => type.startsWith("tool.") || type === "file.changed")).toEqual(
            [],
          );
        }
      }),
    );
  });
});
