import { describe, expect, it } from "vitest";
import { SandboxAgent, type CreateSessionOptions } from "../../../src/index.ts";
import { memorySandbox, scriptedAgent, scriptedBackend } from "../../../src/testing/index.ts";
import { answer, echo, start } from "./support.ts";

const nothing = {
  resume: false,
  fork: false,
  mcpServers: [],
  systemPrompt: [],
  allowedTools: false,
  skills: false,
  thinking: [],
  agentModes: [],
  models: "none",
} as const;
const skill = { name: "greet", files: { "SKILL.md": "Say hello." } };

describe("what a session asks for", () => {
  it.each<[string, CreateSessionOptions, string]>([
    ["resume", { resume: "x" }, "open a new session"],
    ["a system prompt", { systemPrompt: "Be brief." }, "put it into the first prompt"],
    ["an MCP server", { mcpServers: { a: { type: "http", url: "http://127.0.0.1:1" } } }, "knows no MCP"],
    ["allowed tools", { allowedTools: ["Read"] }, "deny the other tools by permissions"],
    ["skills", { skills: [skill] }, "put the instructions into systemPrompt"],
    ["thinking", { thinking: "high" }, "leave the option out"],
    ["a mode", { agentMode: "plan" }, "leave the option out"],
  ])("is refused with the reason and what would work: %s", async (_, options, hint) => {
    const { box, sandbox } = await start(echo, { capabilities: nothing });
    await expect(box.createSession(options)).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining(hint) as string,
    });
    expect(sandbox.started).toEqual([]);
  });

  it("is refused with the choices there are", async () => {
    const { box } = await start(echo);
    await expect(box.createSession({ thinking: "medium" })).rejects.toThrow(
      'thinking: "medium": it offers "low", "high"',
    );
    await expect(box.createSession({ agentMode: "yolo" })).rejects.toThrow('it offers "plan"');
    const replacing = await start(echo, { capabilities: { systemPrompt: ["append"] } });
    await expect(replacing.box.createSession({ systemPrompt: { replace: "x" } })).rejects.toThrow(
      "use { append }",
    );
  });

  it.each<[object, string]>([
    [{ allowedTools: [] }, "a non-empty array"],
    [{ skills: [{ name: "Greet", files: { "SKILL.md": "" } }] }, "lower-case letters"],
    [{ skills: [{ name: "greet", files: {} }] }, "needs files with a SKILL.md"],
    [{ skills: [{ name: "greet", files: { "SKILL.md": "", "../x": "" } }] }, "outside of its folder"],
    [{ skills: [skill, skill] }, "two skills of one name"],
    [{ prices: { m: { input: 1 } } }, "as output"],
    [{ prices: { m: { input: 1, output: 1, cache: 1 } } }, 'without "cache"'],
    [{ prices: { m: { input: -1, output: 1 } } }, "as input"],
  ])("is refused when it is malformed: %j", async (options, message) => {
    const { box } = await start(echo);
    const created = box.createSession(options);
    await expect(created).rejects.toThrow(TypeError);
    await expect(created).rejects.toThrow(message);
  });
});

describe("a model", () => {
  const picky = {
    ...scriptedBackend(),
    modelProblem: (model: string) => (model === "good" ? undefined : "not mine"),
  };
  const sandbox = (): ReturnType<typeof memorySandbox> =>
    memorySandbox({ programs: { "scripted-agent": scriptedAgent(echo) } });

  it("that the agent cannot know is refused before anything starts", async () => {
    const place = sandbox();
    await expect(
      SandboxAgent.start({ sandbox: place, agent: { ...picky, model: "bad" } }),
    ).rejects.toMatchObject({
      code: "model_not_found",
      details: { model: "bad" },
    });
    await using box = await SandboxAgent.start({ sandbox: place, agent: picky });
    await expect(box.createSession({ model: "bad" })).rejects.toThrow('the model "bad": not mine');
    await using session = await box.createSession({ model: "good" });
    expect(session.model).toBe("good");
  });
});

describe("session.models()", () => {
  it("asks the agent", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "request" && input.request.type === "list_models")
        await agent.say({ responses: [{ id: input.request.id, models: [{ id: "m-1", isDefault: true }] }] });
    });
    const session = await box.createSession();
    expect(await session.models()).toEqual({ source: "cli", models: [{ id: "m-1", isDefault: true }] });
  });

  it("leaves no process behind where each turn has its own", async () => {
    const { box, sandbox } = await start(
      async (input, agent) => {
        if (input.type === "request" && input.request.type === "list_models")
          await agent.say({ responses: [{ id: input.request.id, models: [{ id: "m-1" }] }] });
      },
      { mode: "turn" },
    );
    const session = await box.createSession();
    expect(await session.models()).toEqual({ source: "cli", models: [{ id: "m-1" }] });
    expect(sandbox.runningProcesses).toBe(0);
  });

  it("gives the documented ones where the agent does not tell", async () => {
    const program = scriptedAgent(echo);
    await using box = await SandboxAgent.start({
      sandbox: memorySandbox({ programs: { "scripted-agent": program } }),
      agent: {
        ...scriptedBackend({ capabilities: { models: "documented" } }),
        documentedModels: [{ id: "m-2" }],
      },
    });
    const session = await box.createSession();
    expect(await session.models()).toEqual({ source: "documented", models: [{ id: "m-2" }] });
  });

  it("is refused where nothing is known", async () => {
    const { box } = await start(echo, { capabilities: nothing });
    const session = await box.createSession();
    await expect(session.models()).rejects.toMatchObject({ code: "unsupported" });
  });
});

describe("the cost of a turn", () => {
  const usage = { inputTokens: 1_000_000, outputTokens: 100_000, cacheReadTokens: 2_000_000 };

  it("comes from the caller's prices where the agent tells none", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "request") await agent.say({ responses: [{ id: input.request.id }] });
      if (input.type !== "prompt") return;
      await agent.say({ events: [{ type: "turn.completed", stopReason: "end_turn", usage }] });
    });
    const prices = { m: { input: 2, output: 10, cacheRead: 0.5 }, n: { input: 1, output: 1 } };
    const session = await box.createSession({ model: "m", prices });
    expect((await session.prompt("go")).costUsd).toBeCloseTo(4);
    await session.setModel("unknown");
    expect(await session.prompt("go")).not.toHaveProperty("costUsd");
    expect(session.costUsd).toBeCloseTo(4);
  });

  it("goes by the model that the agent tells, and leaves the agent's own figure alone", async () => {
    const costs = [undefined, 0.25];
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      const cost = costs.shift();
      await agent.say({
        events: [
          { type: "session.updated", model: "told" },
          {
            type: "turn.completed",
            stopReason: "end_turn",
            usage,
            ...(cost === undefined ? {} : { costUsd: cost }),
          },
        ],
      });
    });
    const session = await box.createSession({ prices: { told: { input: 1, output: 0 } } });
    expect((await session.prompt("go")).costUsd).toBeCloseTo(3);
    expect((await session.prompt("go")).costUsd).toBe(0.25);
  });

  it("is absent without either", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt") await answer(agent, "x");
    });
    const session = await box.createSession();
    expect(await session.prompt("go")).not.toHaveProperty("costUsd");
  });
});
