import { afterEach, describe, expect, it } from "vitest";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import { SandboxAgentError } from "../../../src/errors/sandbox-agent-error.ts";
import type { AgentEvent } from "../../../src/spec/events.ts";
import { memorySandbox, type MemorySandboxProvider } from "../../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend, type ScriptedAgent } from "../../../src/testing/scripted-backend.ts";

const boxes: SandboxAgent[] = [];
afterEach(async () => {
  for (const box of boxes.splice(0)) await box.destroy();
});

type Handler = Parameters<typeof scriptedAgent>[0];

async function start(
  handle: Handler,
  options: Parameters<typeof scriptedBackend>[0] = {},
): Promise<{ box: SandboxAgent; sandbox: MemorySandboxProvider }> {
  const sandbox = memorySandbox({ programs: { "scripted-agent": scriptedAgent(handle) } });
  const box = await SandboxAgent.start({ sandbox, agent: scriptedBackend(options) });
  boxes.push(box);
  return { box, sandbox };
}

const answer = async (agent: ScriptedAgent, text: string): Promise<void> => {
  await agent.say({ events: [{ type: "message.delta", messageId: "m1", text }] });
  await agent.say({ events: [{ type: "turn.completed", stopReason: "end_turn" }] });
};

const echo: Handler = async (input, agent) => {
  if (input.type === "prompt") await answer(agent, `you said ${input.text}`);
};

async function collect(events: AsyncIterable<AgentEvent>): Promise<AgentEvent[]> {
  const all: AgentEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe("Session", () => {
  it("gives a turn's events in order, complete, and its result", async () => {
    const { box } = await start(echo);
    const session = await box.createSession();
    const turn = session.prompt("hello");
    const events = await collect(turn);
    expect(events.map((event) => event.type)).toEqual([
      "turn.queued",
      "turn.started",
      "message.started",
      "message.delta",
      "message.completed",
      "turn.completed",
    ]);
    expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await turn).toMatchObject({ status: "completed", text: "you said hello", stopReason: "end_turn" });
    expect(session.nativeSessionId).toBe("native-1");
  });

  it("settles a turn only after its events were handed to every listener", async () => {
    const { box } = await start(echo);
    const session = await box.createSession();
    let text = "";
    session.onEvent((event) => {
      if (event.type === "message.delta") text += event.text;
    });
    const result = await session.prompt("hello");
    expect(text).toBe(result.text);
  });

  it("runs prompts first in, first out", async () => {
    const { box } = await start(echo);
    const session = await box.createSession();
    const results = await Promise.all(["a", "b", "c"].map((text) => session.prompt(text)));
    expect(results.map((result) => result.text)).toEqual(["you said a", "you said b", "you said c"]);
    const events: AgentEvent[] = [];
    void session.close();
    for await (const event of session.events({ from: 1 })) events.push(event);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    const terminal = events.filter((event) => event.type === "turn.completed");
    expect(terminal).toHaveLength(3);
    expect(events.at(-1)?.type).toBe("session.ended");
  });

  it("interrupts the turn when its consumer leaves the loop", async () => {
    const { box, sandbox } = await start(async (input, agent) => {
      if (input.type === "prompt") {
        await agent.say({ events: [{ type: "message.delta", messageId: "m1", text: "begin" }] });
      }
      if (input.type === "interrupt") await agent.say({ events: [{ type: "turn.interrupted", by: "host" }] });
    });
    const session = await box.createSession();
    const turn = session.prompt("go");
    for await (const event of turn) if (event.type === "message.delta") break;
    expect(turn.status).toBe("interrupted");
    await expect(turn).rejects.toMatchObject({ code: "turn_interrupted", result: { text: "begin" } });
    expect(sandbox.runningProcesses).toBe(1);
  });

  it("fails the turn when the agent dies, and goes on in a new process that resumes", async () => {
    let lives = 0;
    const { box } = await start(async (input, agent) => {
      if (input.type === "open") lives++;
      if (input.type === "prompt" && lives === 1) {
        await agent.process.writeError("segmentation fault");
        return 139;
      }
      if (input.type === "prompt") await answer(agent, "back again");
      return undefined;
    });
    const session = await box.createSession();
    const error: unknown = await session.prompt("one").catch((reason: unknown) => reason);
    expect(SandboxAgentError.is(error, "agent_exited") && error.details).toMatchObject({
      exitCode: 139,
      stderr: "segmentation fault",
    });
    expect((await session.prompt("two")).text).toBe("back again");
    expect(lives).toBe(2);
  });

  it("applies the permission policy and records who decided", async () => {
    const answers: unknown[] = [];
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt") {
        for (const command of ["ls", "rm -rf /"]) {
          const tool = { name: "Bash", kind: "execute" as const, title: command, input: { command } };
          await agent.say({
            events: [{ type: "permission.requested", requestId: command, tool, canRemember: false }],
          });
        }
      }
      if (input.type === "reply") {
        answers.push(input.answer);
        if (answers.length === 2)
          await agent.say({ events: [{ type: "turn.completed", stopReason: "end_turn" }] });
      }
    });
    const session = await box.createSession({ permissions: { allow: ["Bash(ls)"], deny: ["Bash(rm *)"] } });
    const events = await collect(session.prompt("go"));
    expect(events.filter((event) => event.type === "permission.resolved")).toMatchObject([
      { requestId: "ls", outcome: "allowed", by: "policy" },
      { requestId: "rm -rf /", outcome: "denied", by: "policy" },
    ]);
    expect(answers).toMatchObject([{ outcome: "allow" }, { outcome: "deny" }]);
  });

  it("holds the agent up while a consumer pauses, and loses nothing", async () => {
    const total = 20_000;
    let written = 0;
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      for (; written < total; written++) {
        await agent.say({
          events: [{ type: "message.delta", messageId: "m1", text: `${String(written)},` }],
        });
      }
      await agent.say({ events: [{ type: "turn.completed", stopReason: "end_turn" }] });
    });
    const session = await box.createSession();
    const turn = session.prompt("go");
    let text = "";
    let seen = 0;
    for await (const event of turn) {
      if (event.type !== "message.delta") continue;
      text += event.text;
      if (++seen === 10) {
        await new Promise((resolve) => setImmediate(resolve));
        expect(written).toBeLessThan(3000);
      }
    }
    expect(text.split(",").length - 1).toBe(total);
    expect((await turn).text).toBe(text);
  });

  it("rejects with signal.reason when aborted, queued or running", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "interrupt") await agent.say({ events: [{ type: "turn.interrupted", by: "host" }] });
    });
    const session = await box.createSession();
    const controller = new AbortController();
    const reason = new Error("enough");
    const turns = [
      session.prompt("go", { signal: controller.signal }),
      session.prompt("go", { signal: controller.signal }),
    ] as const;
    for await (const event of session.events({ from: 1 })) if (event.type === "turn.started") break;
    controller.abort(reason);
    for (const turn of turns) await expect(turn).rejects.toBe(reason);
    const types = (await collect(turns[1])).map((event) => event.type);
    expect(types).toEqual(["turn.queued", "turn.interrupted"]);
  });

  it("ends a running turn when the box is destroyed or lost", async () => {
    const { box, sandbox } = await start(() => Promise.resolve());
    const session = await box.createSession();
    const turn = session.prompt("go");
    for await (const event of session.events({ from: 1 })) if (event.type === "turn.started") break;
    sandbox.lose(box.sandbox.id);
    await expect(turn).rejects.toMatchObject({ code: "sandbox_lost" });
    await box.destroy();
    expect(session.status).toBe("closed");
    expect(() => session.prompt("more")).toThrow(/is closed/);
  });

  it("interrupts a turn that is silent for too long", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "interrupt")
        await agent.say({
          events: [
            { type: "turn.failed", error: { code: "agent_error", message: "aborted", retryable: false } },
          ],
        });
    });
    const session = await box.createSession();
    const turn = session.prompt("go", { idleTimeoutMs: 30 });
    await expect(turn).rejects.toMatchObject({
      code: "turn_timeout",
      details: { kind: "idle", timeoutMs: 30 },
    });
  });
});
