import { describe, expect, it } from "vitest";
import { Agent, eventsOf, killed, sent } from "./agent.ts";

const resume = { nativeSessionId: "old", fork: false };

function replay(agent: Agent): void {
  const steps = [
    agent.update({ sessionUpdate: "user_message_chunk", content: { type: "text", text: "Before?" } }),
    agent.think("Hm."),
    agent.say("Before."),
    agent.tool("c", { status: "completed", kind: "read" }),
    agent.update({ sessionUpdate: "plan", entries: [{ content: "x", status: "completed" }] }),
    agent.update({ sessionUpdate: "usage_update", used: 1, size: 2 }),
  ];
  for (const step of steps) expect(step.events).toBeUndefined();
}

describe("the history of a loaded session", () => {
  it("is not told again, neither before nor after the answer", () => {
    const agent = new Agent();
    const [load] = sent(agent.initialize(resume));
    replay(agent);
    const answered = agent.answer(load, null);
    expect(answered.ready).toBeUndefined();
    expect(answered.wakeAfterMs).toBe(200);
    replay(agent);
    expect(agent.say("More.").wakeAfterMs).toBe(200);
    const ready = agent.protocol.tick();
    expect(ready).toMatchObject({ ready: true, nativeSessionId: "old" });
    expect(eventsOf(ready, "session.started")[0]?.resumed).toBe(true);
    replay(agent);
    agent.prompt();
    expect(eventsOf(agent.say("After."), "message.delta")).toHaveLength(1);
  });

  it("is waited for as long as the profile says", () => {
    const agent = new Agent({ profile: { replayQuietMs: 50 } });
    const [load] = sent(agent.initialize(resume));
    expect(agent.answer(load, {}).wakeAfterMs).toBe(50);
  });

  it("keeps prompts waiting until it is over", () => {
    const agent = new Agent();
    const [load] = sent(agent.initialize(resume));
    agent.answer(load, {});
    expect(agent.prompt().write).toBeUndefined();
    expect(sent(agent.protocol.tick())).toMatchObject([{ method: "session/prompt" }]);
  });

  it("does not hide what is set", () => {
    const agent = new Agent();
    agent.initialize(resume);
    const step = agent.update({ sessionUpdate: "current_mode_update", currentModeId: "plan" });
    expect(step.events).toEqual([{ type: "session.updated", mode: "plan" }]);
  });

  it("is not expected of a session that is resumed without one, or new", () => {
    const agent = new Agent({ capabilities: { sessionCapabilities: { resume: {} } } });
    const [request] = sent(agent.initialize(resume));
    expect(agent.answer(request, {}).ready).toBe(true);
    const fresh = new Agent();
    fresh.start();
    const early = fresh.say("Welcome.");
    expect(early.background).toBe(true);
    expect(eventsOf(early, "message.delta")).toHaveLength(1);
    expect(fresh.protocol.tick()).toEqual({});
  });

  it("is the only sign that there is such a session, where the profile says so", () => {
    const profile = { showsLoadByHistory: true };
    const agent = new Agent({ profile });
    const [load] = sent(agent.initialize(resume));
    expect(agent.answer(load, {}).ready).toBeUndefined();
    expect(agent.protocol.tick()).toEqual({ resumeLost: true });
    // Nothing is expected of the process any more.
    expect(agent.protocol.end(killed)).toEqual({});
    const known = new Agent({ profile });
    const [again] = sent(known.initialize(resume));
    replay(known);
    known.answer(again, {});
    expect(known.protocol.tick()).toMatchObject({ ready: true });
  });
});
