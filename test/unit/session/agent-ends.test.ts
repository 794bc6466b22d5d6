import { describe, expect, it } from "vitest";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import type { SandboxProvider, Signal } from "../../../src/spec/sandbox.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import { answer, collect, delta, eventOf, quiet, start } from "./support.ts";

describe("the process of an agent", () => {
  it("closes its output but lives on: it is killed after a grace", { timeout: 15_000 }, async () => {
    const sandbox = memorySandbox({
      programs: {
        "scripted-agent": async (process) => {
          await process.write('{"ready":true}\n');
          process.closeOutput();
          await new Promise((resolve) => {
            process.killed.addEventListener("abort", resolve);
          });
          return 0;
        },
      },
    });
    await using box = await SandboxAgent.start({ sandbox, agent: scriptedBackend() });
    const session = await box.createSession();
    await expect(session.prompt("go")).rejects.toMatchObject({ code: "agent_exited" });
    expect(sandbox.runningProcesses).toBe(0);
  });

  it("closes its input but lives on: it is killed after a grace", { timeout: 15_000 }, async () => {
    const sandbox = memorySandbox({
      programs: {
        "scripted-agent": async (process) => {
          await process.write('{"ready":true}\n');
          await process.stdin.cancel();
          await new Promise((resolve) => {
            process.killed.addEventListener("abort", resolve);
          });
          return 0;
        },
      },
    });
    await using box = await SandboxAgent.start({ sandbox, agent: scriptedBackend() });
    const session = await box.createSession();
    await expect(session.prompt("go")).rejects.toMatchObject({ code: "agent_exited" });
    expect(sandbox.runningProcesses).toBe(0);
  });

  it.each([
    { startsStoppedCalls: true, call: true, processes: 0 },
    { startsStoppedCalls: true, call: false, processes: 1 },
    { startsStoppedCalls: false, call: true, processes: 1 },
  ])(
    "that may start a stopped call ($startsStoppedCalls) is $processes after an interrupt, call open: $call",
    async ({ startsStoppedCalls, call, processes }) => {
      const sandbox = memorySandbox({
        programs: {
          "scripted-agent": scriptedAgent(async (input, agent) => {
            if (input.type === "prompt" && input.text === "go") {
              const tool = { name: "shell", kind: "execute", title: "shell", input: {} } as const;
              await agent.say({ events: [delta("Running.")] });
              if (call) await agent.say({ events: [{ type: "tool.started", toolCallId: "c1", ...tool }] });
            } else if (input.type === "prompt") await answer(agent, "again");
            if (input.type === "interrupt") {
              await agent.say({ events: [{ type: "turn.interrupted", by: "host" }] });
            }
          }),
        },
      });
      const backend = { ...scriptedBackend(), startsStoppedCalls };
      await using box = await SandboxAgent.start({ sandbox, agent: backend });
      const session = await box.createSession();
      const turn = session.prompt("go", { reject: false });
      await eventOf(session, call ? "tool.started" : "message.delta");
      await session.interrupt();
      expect((await turn).status).toBe("interrupted");
      expect(sandbox.runningProcesses).toBe(processes);
      expect((await session.prompt("on")).text).toBe("again");
    },
  );

  it("dies by itself: what it left running in the background is killed before the next turn", async () => {
    const lives: AbortSignal[] = [];
    const { box } = await start(async (input, agent) => {
      if (input.type === "open") {
        const last = lives.at(-1);
        if (last !== undefined) expect(last.reason).toBe("SIGKILL");
        lives.push(agent.process.killed);
      }
      if (input.type !== "prompt") return undefined;
      if (lives.length === 1) return 1;
      await answer(agent, "second life");
      return undefined;
    });
    const session = await box.createSession();
    await expect(session.prompt("go")).rejects.toMatchObject({ code: "agent_exited" });
    expect((await session.prompt("again")).text).toBe("second life");
    expect(lives).toHaveLength(2);
  });

  it("ends upon the first signal: what it left running in the background is killed, too", async () => {
    const killed: string[] = [];
    const sandbox = memorySandbox({
      programs: { "scripted-agent": scriptedAgent(() => Promise.resolve(undefined)) },
    });
    const spied: SandboxProvider = {
      ...sandbox,
      create: async (...parameters) => {
        const box = await sandbox.create(...parameters);
        const spawn = box.spawn.bind(box);
        return Object.assign(box, {
          spawn: async (...command: Parameters<typeof spawn>) => {
            const process = await spawn(...command);
            return {
              ...process,
              kill: (signal: Signal = "SIGKILL") => {
                killed.push(signal);
                return process.kill(signal);
              },
            };
          },
        });
      },
    };
    await using box = await SandboxAgent.start({
      sandbox: spied,
      agent: scriptedBackend({ capabilities: { interrupt: "signal" } }),
    });
    const session = await box.createSession();
    const turn = session.prompt("go", { reject: false });
    await eventOf(session, "turn.started");
    await quiet();
    await turn.interrupt();
    expect(killed).toEqual(["SIGINT", "SIGKILL"]);
  });

  it("tells why it cannot start and lives on: it is ended, and not waited for", async () => {
    const { box, sandbox } = await start(async (input, agent) => {
      if (input.type !== "open") return;
      await agent.say({
        startError: { code: "model_not_found", message: "There is no such model.", retryable: false },
      });
      await new Promise(() => undefined);
    });
    await expect(box.createSession()).rejects.toMatchObject({
      code: "model_not_found",
      message: expect.stringContaining("There is no such model.") as string,
    });
    expect(sandbox.runningProcesses).toBe(0);
  });

  it("ignores the protocol and every signal but SIGKILL", { timeout: 30_000 }, async () => {
    const { box, sandbox } = await start(
      async (input) => {
        if (input.type === "prompt") await new Promise(() => undefined);
      },
      { capabilities: { interrupt: "signal" } },
      { handledSignals: ["SIGINT", "SIGTERM"] },
    );
    const session = await box.createSession();
    const turn = session.prompt("go");
    await eventOf(session, "turn.started");
    await quiet();
    await turn.interrupt();
    await expect(turn).rejects.toMatchObject({ code: "turn_interrupted" });
    expect(sandbox.runningProcesses).toBe(0);
  });

  it("ends a turn upon a signal and dies later: the next turn begins in another process", async () => {
    let lives = 0;
    const { box } = await start(
      async (input, agent) => {
        if (input.type === "open") lives++;
        if (input.type !== "prompt") return undefined;
        if (lives > 1) {
          await answer(agent, "second life");
          return undefined;
        }
        await new Promise((resolve) => {
          agent.process.killed.addEventListener("abort", resolve);
        });
        await agent.say({ events: [{ type: "turn.interrupted", by: "host" }] });
        await quiet();
        return 0;
      },
      { capabilities: { interrupt: "signal" } },
      { handledSignals: ["SIGINT", "SIGTERM"] },
    );
    const session = await box.createSession();
    const turn = session.prompt("go", { reject: false });
    await eventOf(session, "turn.started");
    await quiet();
    await turn.interrupt();
    expect((await turn).status).toBe("interrupted");
    expect((await session.prompt("again")).text).toBe("second life");
  });

  it("cannot be started again: the turn tells why, with the agent's own reason", async () => {
    for (const mode of ["session", "turn"] as const) {
      let lives = 0;
      const { box } = await start(
        async (input, agent) => {
          if (input.type === "open" && (++lives > 1 || mode === "turn")) {
            const startError = {
              code: "authentication_failed",
              message: "bad key",
              retryable: false,
            } as const;
            await agent.say({ startError });
            return 1;
          }
          return input.type === "prompt" ? 1 : undefined;
        },
        { mode },
      );
      const session = await box.createSession();
      if (mode === "session")
        await expect(session.prompt("one")).rejects.toMatchObject({ code: "agent_exited" });
      await expect(session.prompt("two")).rejects.toMatchObject({ code: "authentication_failed" });
    }
  });

  it("loses its sandbox in the middle of a message: one terminal event, and nothing is started twice", async () => {
    const { box, sandbox } = await start(async (input, agent) => {
      if (input.type === "prompt") await agent.say({ events: [delta("half")] });
    });
    const session = await box.createSession();
    const turn = session.prompt("go");
    await eventOf(session, "message.delta");
    sandbox.lose(box.sandbox.id);
    const error: unknown = await turn.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "sandbox_lost",
      cause: { code: "sandbox_lost" },
      result: { text: "half" },
    });
    expect((await collect(turn)).map((event) => event.type)).toEqual([
      "turn.queued",
      "turn.started",
      "message.started",
      "message.delta",
      "message.completed",
      "turn.failed",
    ]);
  });
});
