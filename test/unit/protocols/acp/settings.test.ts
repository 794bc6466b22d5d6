import { describe, expect, it } from "vitest";
import { Agent, eventsOf, sent } from "./agent.ts";

const modes = { currentModeId: "code", availableModes: [{ id: "code", name: "Code" }, { id: "plan" }] };
const models = {
  currentModelId: "small",
  availableModels: [
    { modelId: "small", name: "Small" },
    { modelId: "big", name: "Big" },
  ],
};
const option = (id: string, category: string, currentValue: string, values: readonly string[]) => ({
  ...{ id, name: id, category, type: "select", currentValue },
  options: values.map((value) => ({ value, name: value })),
});
const configOptions = [
  option("model", "model", "small", ["small", "big"]),
  option("effort", "thought_level", "low", ["low", "high"]),
  option("mode", "mode", "code", ["code", "plan"]),
];

/** Answers what is asked until the session is ready; gives the requests. */
const many = Array.from({ length: 25 }, (_, index) => `m${String(index)}`);

function settle(agent: Agent, session: object): { readonly requests: unknown[]; readonly last: unknown } {
  const requests: unknown[] = [];
  let step = agent.start({ ...session });
  for (;;) {
    const [request] = sent(step);
    if (request === undefined) return { requests, last: step };
    requests.push({ method: request.method, params: request.params });
    step = agent.answer(request, null);
  }
}

describe("settings at the start", () => {
  it("sets model, thinking and mode by config options, one after the other", () => {
    const agent = new Agent({ input: { model: "big", thinking: "high", agentMode: "plan" } });
    const { requests, last } = settle(agent, { configOptions });
    const set = (configId: string, value: string) => ({
      method: "session/set_config_option",
      params: { sessionId: "native", configId, value },
    });
    expect(requests).toEqual([set("model", "big"), set("effort", "high"), set("mode", "plan")]);
    expect(last).toMatchObject({ ready: true, events: [{ type: "session.started", model: "big" }] });
  });

  it("sets model and mode by the requests that came before config options", () => {
    const agent = new Agent({ input: { model: "big", agentMode: "plan" } });
    expect(settle(agent, { modes, models }).requests).toEqual([
      { method: "session/set_model", params: { sessionId: "native", modelId: "big" } },
      { method: "session/set_mode", params: { sessionId: "native", modeId: "plan" } },
    ]);
  });

  it("asks for nothing that is so already", () => {
    const agent = new Agent({ input: { model: "small", agentMode: "code" } });
    expect(settle(agent, { modes, models }).requests).toEqual([]);
  });

  it("leaves to the launch what the profile says is done there", () => {
    const agent = new Agent({
      input: { model: "big", thinking: "high" },
      profile: { modelBy: "launch", thinkingBy: "launch" },
    });
    const { requests, last } = settle(agent, {});
    expect(requests).toEqual([]);
    expect(last).toMatchObject({ events: [{ type: "session.started", model: "big" }] });
  });

  it("takes mode, config options and the option for thinking from the profile", () => {
    const agent = new Agent({
      input: { thinking: "plan" },
      profile: { sessionMode: () => "plan", configOptions: { fast: true }, thinkingOption: "mode" },
    });
    const fast = { id: "fast", name: "Fast", type: "boolean", currentValue: false };
    expect(settle(agent, { modes, configOptions: [...configOptions, fast] }).requests).toEqual([
      {
        method: "session/set_config_option",
        params: { sessionId: "native", configId: "fast", type: "boolean", value: true },
      },
      {
        method: "session/set_config_option",
        params: { sessionId: "native", configId: "mode", value: "plan" },
      },
      { method: "session/set_mode", params: { sessionId: "native", modeId: "plan" } },
    ]);
  });

  it.each([
    [{ model: "big" }, {}, "It lets no model be chosen."],
    [{ agentMode: "wild" }, { modes }, 'It does not offer the mode "wild", only code, plan.'],
    [
      { thinking: "max" },
      { configOptions },
      'It does not offer the level of thinking "max", only low, high.',
    ],
    [{ model: "big" }, { configOptions: [option("model", "model", "m0", many)] }, "m18, m19 and 5 more."],
  ])("refuses %j where the agent does not offer it", (given, session, reason) => {
    const { startError } = new Agent({ input: given }).start(session);
    expect(startError?.code).toBe("unsupported");
    expect(startError?.message).toContain(reason);
  });

  it("fails when the agent does not take a setting: it might be what holds it back", () => {
    const agent = new Agent({ profile: { sessionMode: () => "plan" } });
    const [request] = sent(agent.start({ modes }));
    const { startError } = agent.refuse(request, { code: -32602, message: "Not now" });
    expect(startError?.message).toBe("Some Agent did not take the mode: Not now");
  });

  it("knows options in groups", () => {
    const grouped = {
      ...option("model", "model", "a", []),
      options: [
        {
          group: "g",
          name: "G",
          options: [
            { value: "a", name: "A" },
            { value: "b", name: "B" },
          ],
        },
      ],
    };
    const agent = new Agent();
    agent.start({ configOptions: [grouped] });
    expect(agent.protocol.request({ id: "1", type: "list_models" }).responses).toEqual([
      {
        id: "1",
        models: [
          { id: "a", name: "A", isDefault: true },
          { id: "b", name: "B" },
        ],
      },
    ]);
  });
});

describe("settings of a running session", () => {
  it("lists the models and changes to another", () => {
    const agent = new Agent();
    agent.start({ models });
    expect(agent.protocol.request({ id: "1", type: "list_models" }).responses).toEqual([
      {
        id: "1",
        models: [
          { id: "small", name: "Small", isDefault: true },
          { id: "big", name: "Big" },
        ],
      },
    ]);
    const [request] = sent(agent.protocol.request({ id: "2", type: "set_model", model: "big" }));
    expect(request).toMatchObject({ method: "session/set_model", params: { modelId: "big" } });
    expect(agent.answer(request, {}).responses).toEqual([{ id: "2" }]);
    expect(agent.protocol.request({ id: "3", type: "list_models" }).responses?.[0]?.models?.[1]).toEqual({
      ...{ id: "big", name: "Big", isDefault: true },
    });
  });

  it("starts the next process with the model that was set", () => {
    const agent = new Agent();
    agent.start({ models });
    agent.answer(sent(agent.protocol.request({ id: "2", type: "set_model", model: "big" }))[0], {});
    agent.protocol.end({ code: 1, signal: null, stderr: "" });
    expect(sent(agent.start({ models }))[0]).toMatchObject({ params: { modelId: "big" } });
  });

  it("tells when the agent does not take the model", () => {
    const agent = new Agent();
    agent.start({ models });
    const [request] = sent(agent.protocol.request({ id: "2", type: "set_model", model: "none" }));
    expect(agent.refuse(request, { code: -32602, message: "No such model" }).responses).toEqual([
      { id: "2", error: "No such model" },
    ]);
  });

  it("answers a change that nobody can make any more", () => {
    const agent = new Agent();
    agent.start({ models });
    agent.protocol.request({ id: "2", type: "set_model", model: "big" });
    expect(agent.protocol.end({ code: 0, signal: null, stderr: "" }).responses).toEqual([
      { id: "2", error: "Some Agent ended before it answered." },
    ]);
  });

  it("refuses to steer, and to set a model where none can be chosen or no session is there", () => {
    const agent = new Agent();
    const setModel = { id: "1", type: "set_model", model: "m" } as const;
    expect(agent.protocol.request(setModel).responses?.[0]?.error).toContain("no session");
    agent.start();
    expect(agent.protocol.request(setModel).responses?.[0]?.error).toContain("no model");
    const steer = agent.protocol.request({ id: "2", type: "steer", content: [] });
    expect(steer.responses?.[0]?.error).toContain("takes no message");
  });

  it("tells of changes the agent makes, and not of what is known", () => {
    const agent = new Agent();
    agent.start({ modes, configOptions });
    const changed = agent.update({ sessionUpdate: "current_mode_update", currentModeId: "plan" });
    expect(eventsOf(changed, "session.updated")).toEqual([{ type: "session.updated", mode: "plan" }]);
    expect(changed.background).toBe(true);
    const next = [
      option("model", "model", "big", ["small", "big"]),
      option("effort", "thought_level", "high", ["low", "high"]),
      option("mode", "mode", "plan", ["code", "plan"]),
    ];
    const step = agent.update({ sessionUpdate: "config_option_update", configOptions: next });
    expect(step.events).toEqual([{ type: "session.updated", model: "big", thoughtLevel: "high" }]);
    expect(
      agent.update({ sessionUpdate: "config_option_update", configOptions: next }).events,
    ).toBeUndefined();
  });
});
