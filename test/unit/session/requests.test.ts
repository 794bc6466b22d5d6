import { afterEach, describe, expect, it, vi } from "vitest";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import { completed, delta, echo, eventOf, quiet, start, type Handler } from "./support.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** Answers a request as told by the model's name. */
const obedient: Handler = async (input, agent) => {
  if (input.type === "request") {
    const { id, ...request } = input.request as { readonly id: string; readonly model?: string };
    if (request.model === "die") return 1;
    if (request.model !== "silence") {
      const error = request.model === "bad" ? { error: "no such model" } : {};
      await agent.say({ responses: [{ id, ...error }, { id }, { id: "unknown" }] });
    }
    if (request.model === undefined) await agent.say({ events: [delta("steered"), completed] });
    return undefined;
  }
  if (input.type === "prompt" && input.text === "wait") return undefined;
  if (input.type === "interrupt") await agent.say({ events: [{ type: "turn.interrupted", by: "host" }] });
  return echo(input, agent);
};

describe("session.setModel", () => {
  it("keeps the old model when the agent refuses or dies", async () => {
    const { box } = await start(obedient);
    const session = await box.createSession({ model: "old" });
    await expect(session.setModel("bad")).rejects.toMatchObject({
      code: "agent_error",
      reason: "no such model",
    });
    await expect(session.setModel("die")).rejects.toMatchObject({ code: "agent_exited" });
    expect(session.model).toBe("old");
  });

  it("gives up on an agent that never answers", async () => {
    const { box } = await start(obedient);
    const session = await box.createSession();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const answer = session.setModel("silence");
    answer.catch(() => undefined);
    await quiet();
    await vi.advanceTimersByTimeAsync(31_000);
    vi.useRealTimers();
    await expect(answer).rejects.toMatchObject({ code: "agent_error" });
    await session.setModel("good");
    expect(session.model).toBe("good");
  });

  it("is settled when the session closes meanwhile", async () => {
    const { box } = await start(obedient);
    const session = await box.createSession();
    const answer = session.setModel("silence");
    answer.catch(() => undefined);
    await quiet();
    await session.close();
    await expect(answer).rejects.toMatchObject({ code: "agent_exited" });
    await expect(session.setModel("good")).rejects.toMatchObject({ code: "session_closed" });
  });

  it("is used by the next process where the agent has one for each turn", async () => {
    const { box, sandbox } = await start(obedient, { mode: "turn" });
    const session = await box.createSession();
    await session.setModel("next");
    await session.prompt("go");
    expect(sandbox.started.at(-1)?.env).toMatchObject({ SCRIPTED_MODEL: "next" });
  });
});

describe("turn.steer", () => {
  it("waits until the agent knows of the turn", async () => {
    const { box } = await start(obedient);
    const session = await box.createSession();
    const turn = session.prompt([{ type: "text", text: "wait" }]);
    let steering: Promise<void> | undefined;
    const stop = session.onEvent((event) => {
      if (event.type === "turn.started") steering = turn.steer("faster");
    });
    const second = session.prompt("wait");
    await eventOf(session, "turn.started");
    await turn.steer("left");
    expect((await turn).text).toBe("steered");
    stop();
    await steering?.catch(() => undefined);
    await second.interrupt();
  });

  it("rejects for a turn that ended before the message could be given to it", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt" && input.text === "short") {
        await agent.say({ events: [delta("x")] });
        return undefined;
      }
      return obedient(input, agent);
    });
    const session = await box.createSession();
    const turn = session.prompt("short", { reject: false });
    const next = session.prompt("wait", { reject: false });
    await eventOf(session, "message.delta");
    const steering = turn.steer([{ type: "file", name: "a.txt", data: "a" }]);
    steering.catch(() => undefined);
    await turn.interrupt();
    await expect(steering).rejects.toMatchObject({ code: "agent_error" });
    await quiet();
    expect(next.status).toBe("running");
    await next.interrupt();
    await expect(turn.steer("late")).rejects.toThrow(TypeError);
  });

  it("is refused where the agent cannot be steered", async () => {
    const { box } = await start(obedient, { capabilities: { steering: false } });
    const session = await box.createSession();
    const turn = session.prompt("wait", { reject: false });
    await eventOf(session, "turn.started");
    await expect(turn.steer("left")).rejects.toMatchObject({ code: "unsupported" });
    await turn.interrupt();
  });
});

describe("includeRaw", () => {
  it("puts the agent's own object beside every event that stems from one", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      await agent.say({ events: [{ type: "message.started", messageId: "m" }] });
      await agent.say({ events: [delta("a", "m")] });
      await agent.say({ events: [{ type: "message.completed", messageId: "m", text: "ab" }] });
      await agent.say({ events: [completed] });
    });
    const session = await box.createSession({ includeRaw: true });
    const without: string[] = [];
    for await (const event of session.prompt("go")) if (!("raw" in event)) without.push(event.type);
    expect(without).toEqual(["turn.queued", "turn.started", "turn.completed"]);
  });
});

describe("a prompt with files", () => {
  it("can be interrupted while a file is being written that never gets there", async () => {
    const provider = memorySandbox({ programs: { "scripted-agent": scriptedAgent(echo) } });
    await using box = await SandboxAgent.start({ sandbox: provider, agent: scriptedBackend() });
    const session = await box.createSession();
    const write = vi
      .spyOn(box.sandbox.files, "write")
      .mockImplementation(async () => new Promise(() => undefined));
    const turn = session.prompt([{ type: "file", name: "a.txt", data: "a" }], { reject: false });
    await eventOf(session, "turn.started");
    await turn.interrupt();
    expect((await turn).status).toBe("interrupted");
    write.mockRestore();
    expect((await session.prompt("go")).text).toBe("you said go");
  });

  it("fails alone when a file cannot be written", async () => {
    const { box } = await start(echo);
    const session = await box.createSession();
    const failing = vi.spyOn(box.sandbox.files, "write").mockRejectedValueOnce(new Error("disk full"));
    await expect(session.prompt([{ type: "file", name: "a.txt", data: "a" }])).rejects.toMatchObject({
      code: "agent_error",
      cause: { message: "disk full" },
    });
    failing.mockRestore();
    expect((await session.prompt("go")).status).toBe("completed");
  });
});
