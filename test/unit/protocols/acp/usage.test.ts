import { describe, expect, it } from "vitest";
import { acpTokens, type AcpUsageRule, numberField, type JsonObject } from "../../../../src/kit.ts";
import { Agent, eventsOf, type Setup, working } from "./agent.ts";

const end = (members: JsonObject): JsonObject => ({ stopReason: "end_turn", ...members });
const read = (source: JsonObject) => {
  const inputTokens = numberField(source, "in");
  return inputTokens === undefined
    ? undefined
    : { inputTokens, outputTokens: numberField(source, "out") ?? 0 };
};
const by = (rule: AcpUsageRule): Setup => ({ profile: { usage: rule } });

function usageOf(agent: Agent, result: JsonObject): unknown {
  return eventsOf(agent.end(result), "turn.completed")[0]?.usage;
}

describe("usage", () => {
  it("is read from the answer to the prompt", () => {
    const usage = {
      inputTokens: 10,
      outputTokens: 3,
      thoughtTokens: 1,
      cachedReadTokens: 4,
      totalTokens: 18,
    };
    expect(usageOf(working(), end({ usage }))).toEqual({
      ...{ inputTokens: 10, outputTokens: 3, reasoningTokens: 1, cacheReadTokens: 4 },
    });
    expect(usageOf(working(), end({}))).toBeUndefined();
  });

  it("is read from the updates of single requests where the answer tells none", () => {
    const agent = working();
    const meta = (inputTokens: number) => ({ _meta: { usage: { inputTokens, outputTokens: 1 } } });
    agent.say("", meta(5));
    agent.say("a");
    agent.say("", meta(7));
    expect(usageOf(agent, end({}))).toEqual({ inputTokens: 12, outputTokens: 2 });
    agent.prompt();
    agent.say("", meta(5));
    expect(usageOf(agent, end({ usage: { inputTokens: 9, outputTokens: 3 } }))).toMatchObject({
      inputTokens: 9,
    });
  });

  it("is not read where the profile says that nothing tells it", () => {
    const agent = working({ profile: { usage: [] } });
    expect(usageOf(agent, end({ usage: { inputTokens: 9, outputTokens: 3 } }))).toBeUndefined();
  });

  it("counts cached tokens once, whether or not they are among the input", () => {
    expect(acpTokens({ inputTokens: 10, outputTokens: 3, cachedReadTokens: 4, totalTokens: 13 })).toEqual({
      ...{ inputTokens: 6, outputTokens: 3, cacheReadTokens: 4 },
    });
    expect(
      acpTokens({ inputTokens: 10, outputTokens: 3, cachedReadTokens: 4, totalTokens: 17 }),
    ).toMatchObject({
      inputTokens: 10,
    });
    expect(acpTokens({ outputTokens: 3, cachedWriteTokens: 2 })).toEqual({
      ...{ inputTokens: 0, outputTokens: 3, cacheWriteTokens: 2 },
    });
    expect(acpTokens({})).toBeUndefined();
  });

  it("is told of interrupted and failed turns too", () => {
    const agent = working();
    agent.protocol.interrupt();
    const step = agent.end({ stopReason: "cancelled", usage: { inputTokens: 1, outputTokens: 2 } });
    expect(eventsOf(step, "turn.interrupted")[0]?.usage).toEqual({ inputTokens: 1, outputTokens: 2 });
  });

  it("of single requests is added up, as they come", () => {
    const agent = working(by({ covers: "request", fromUpdate: read }));
    agent.say("a", { in: 5, out: 1 });
    const step = agent.say("b", { in: 6, out: 2 });
    expect(eventsOf(step, "usage.updated")[0]?.usage).toEqual({ inputTokens: 11, outputTokens: 3 });
    expect(usageOf(agent, end({}))).toEqual({ inputTokens: 11, outputTokens: 3 });
    agent.prompt();
    agent.say("c", { in: 1, out: 1 });
    expect(usageOf(agent, end({}))).toEqual({ inputTokens: 1, outputTokens: 1 });
  });

  it("of the whole session is made that of the turn", () => {
    const agent = working(by({ covers: "session", fromResult: read }));
    expect(usageOf(agent, end({ in: 10, out: 2 }))).toEqual({ inputTokens: 10, outputTokens: 2 });
    agent.prompt();
    expect(usageOf(agent, end({ in: 25, out: 6 }))).toEqual({ inputTokens: 15, outputTokens: 4 });
  });

  it("of the whole session is not known for the first turn after a resume", () => {
    const agent = new Agent({
      ...by({ covers: "session", fromResult: read }),
      capabilities: { sessionCapabilities: { resume: {} } },
    });
    agent.start({}, { nativeSessionId: "native", fork: false });
    agent.prompt();
    expect(usageOf(agent, end({ in: 100, out: 50 }))).toBeUndefined();
    agent.prompt();
    expect(usageOf(agent, end({ in: 110, out: 55 }))).toEqual({ inputTokens: 10, outputTokens: 5 });
  });
});

it("of a process begins anew with each", () => {
  const agent = new Agent({
    ...by({ covers: "process", fromResult: read }),
    capabilities: { sessionCapabilities: { resume: {} } },
  });
  agent.start({}, { nativeSessionId: "native", fork: false });
  agent.prompt();
  expect(usageOf(agent, end({ in: 10, out: 5 }))).toEqual({ inputTokens: 10, outputTokens: 5 });
  agent.prompt();
  expect(usageOf(agent, end({ in: 30, out: 6 }))).toEqual({ inputTokens: 20, outputTokens: 1 });
});

describe("usage_update", () => {
  const cost = (amount: number, currency = "USD") => ({
    ...{ sessionUpdate: "usage_update", used: 100, size: 200_000, cost: { amount, currency } },
  });

  it("tells the size of the context window, and the cost of the turn out of the session's", () => {
    const agent = working();
    const [first] = eventsOf(agent.update(cost(0.1)), "usage.updated");
    expect(first).toMatchObject({ costUsd: 0.1, contextWindow: 200_000 });
    agent.update(cost(0.3));
    expect(eventsOf(agent.end(), "turn.completed")[0]?.costUsd).toBe(0.3);
    agent.prompt();
    agent.update(cost(0.7));
    expect(eventsOf(agent.end(), "turn.completed")[0]?.costUsd).toBe(0.4);
  });

  it("counts the cost from the first figure after a resume", () => {
    const agent = new Agent({ capabilities: { sessionCapabilities: { resume: {} } } });
    agent.start({}, { nativeSessionId: "native", fork: false });
    agent.prompt();
    agent.update(cost(5));
    agent.update(cost(5.25));
    expect(eventsOf(agent.end(), "turn.completed")[0]?.costUsd).toBe(0.25);
  });

  it("in another currency is no cost in dollars", () => {
    const agent = working();
    agent.update(cost(1, "EUR"));
    expect(eventsOf(agent.end(), "turn.completed")[0]).not.toHaveProperty("costUsd");
  });

  it("says nothing when it brings nothing new", () => {
    const agent = working();
    const update = { sessionUpdate: "usage_update", used: 1, size: 1000 };
    expect(eventsOf(agent.update(update), "usage.updated")).toHaveLength(1);
    expect(agent.update({ ...update, used: 2 }).events).toBeUndefined();
  });
});
