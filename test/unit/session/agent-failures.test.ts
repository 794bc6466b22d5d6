import { describe, expect, it } from "vitest";
import type { AgentBackend, AgentProtocol } from "../../../src/spec/backend.ts";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import {
  collect,
  completed,
  delta,
  echo,
  eventOf,
  historyOf,
  quiet,
  start,
  type Handler,
} from "./support.ts";

const terminalTypes = /^turn\.(completed|failed|interrupted)$/;

describe("an agent that behaves badly", () => {
  it("ends its turn once when it prints a terminal event twice, and the next turn is not touched", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      await agent.say({ events: [delta(input.text), completed] });
      await agent.say({ events: [completed] });
    });
    const session = await box.createSession();
    const first = session.prompt("one");
    expect((await first).text).toBe("one");
    await quiet();
    expect((await session.prompt("two")).text).toBe("two");
    const events = await collect(first);
    expect(events.filter((event) => terminalTypes.test(event.type))).toHaveLength(1);
  });

  it("prints after its terminal event: those events belong to no turn", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt")
        await agent.say({ events: [delta("in"), completed, delta("after", "m2")] });
    });
    const session = await box.createSession();
    const turn = session.prompt("go");
    expect((await turn).text).toBe("in");
    await session.close();
    const after = (await historyOf(session)).filter(
      (event) => "messageId" in event && event.messageId === "m2",
    );
    expect(after.map(({ type, turnId }) => [type, turnId])).toEqual([
      ["message.started", undefined],
      ["message.delta", undefined],
      ["message.completed", undefined],
    ]);
  });

  it.each([0, 3])("ends with exit code %d and without a terminal event", async (exitCode) => {
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return undefined;
      await agent.say({ events: [delta("half")] });
      return exitCode;
    });
    const session = await box.createSession();
    const turn = session.prompt("go");
    await expect(turn).rejects.toMatchObject({
      code: "agent_exited",
      details: { exitCode },
      result: { text: "half" },
    });
    expect((await collect(turn)).slice(-2).map((event) => event.type)).toEqual([
      "message.completed",
      "turn.failed",
    ]);
  });

  it("prints null, binary junk and half a character before it dies", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return undefined;
      await agent.process.write('null\n[]\n42\n"text"\n{"events":5}\n{"events":[{"type":"turn.failed"}]}\n');
      await agent.process.write(Uint8Array.from([0, 1, 2, 255, 254, 10, 0xe2, 0x82]));
      return 1;
    });
    const session = await box.createSession();
    const turn = session.prompt("go", { reject: false });
    expect((await turn).error?.code).toBe("agent_exited");
    const types = (await collect(turn)).map((event) => event.type);
    expect(types.filter((type) => type === "agent.unparsed")).toHaveLength(6);
    expect(types.filter((type) => type === "agent.unknown")).toHaveLength(2);
  });

  it("prints 100 MB on one line, with and without a line feed", async () => {
    const chunk = Buffer.alloc(1024 * 1024, "x");
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      for (let index = 0; index < 100; index++) await agent.process.write(chunk);
      if (input.text === "ended") await agent.process.write("\n");
      else return 0;
      await agent.say({ events: [completed] });
      return undefined;
    });
    const session = await box.createSession();
    const before = process.memoryUsage().rss;
    const ended = session.prompt("ended");
    expect((await ended).status).toBe("completed");
    const endless = session.prompt("endless", { reject: false });
    expect((await endless).error?.code).toBe("agent_exited");
    for (const turn of [ended, endless]) {
      const unparsed = (await collect(turn)).find((event) => event.type === "agent.unparsed");
      expect(unparsed).toMatchObject({ bytes: 100 * chunk.length, truncated: true, line: "x".repeat(2048) });
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  });

  it("floods its standard error: only the tail is kept", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return undefined;
      for (let index = 0; index < 500; index++) await agent.process.writeError("e".repeat(64 * 1024));
      await agent.process.writeError("the end");
      return 1;
    });
    const session = await box.createSession();
    const error: unknown = await session.prompt("go").catch((reason: unknown) => reason);
    const { stderr } = (error as { details: { stderr: string } }).details;
    expect(stderr).toHaveLength(8 * 1024);
    expect(stderr.endsWith("the end")).toBe(true);
  });
});

describe("a session that cannot be resumed", () => {
  it("is replaced by a fresh one at the handshake, with a notice", async () => {
    const opened: unknown[] = [];
    const { box } = await start(async (input, agent) => {
      if (input.type === "open") {
        opened.push(input.resume);
        if (input.resume !== undefined) {
          await agent.say({ resumeLost: true });
          return true;
        }
      }
      return echo(input, agent);
    });
    const session = await box.createSession({ resume: "old" });
    expect((await session.prompt("hi")).text).toBe("you said hi");
    expect(opened).toEqual(["old", undefined]);
    await session.close();
    expect((await historyOf(session)).filter((event) => event.type === "agent.notice")).toHaveLength(1);
  });

  it("is replaced by a fresh one at the prompt, which is sent again", async () => {
    const prompts: string[] = [];
    let isFresh = true;
    const { box } = await start(async (input, agent) => {
      if (input.type === "open") isFresh = input.resume === undefined;
      if (input.type !== "prompt") return undefined;
      prompts.push(input.text);
      if (isFresh) return echo(input, agent);
      const error = { code: "agent_error", message: "no such session", retryable: false } as const;
      await agent.say({ resumeLost: true, events: [{ type: "turn.failed", error }] });
      return 1;
    });
    const session = await box.createSession({ resume: "old" });
    const turn = session.prompt("hi");
    expect((await turn).text).toBe("you said hi");
    expect(prompts).toEqual(["hi", "hi"]);
    expect((await collect(turn)).filter((event) => terminalTypes.test(event.type))).toHaveLength(1);
  });

  it("is not looked for again and again when the agent always says so", async () => {
    let lives = 0;
    const { box } = await start(async (input, agent) => {
      if (input.type !== "open") return echo(input, agent);
      if (++lives > 20) return 1;
      await agent.say({ nativeSessionId: "mine", resumeLost: true });
      return undefined;
    });
    const session = await box.createSession({ resume: "old" });
    expect((await session.prompt("hi")).text).toBe("you said hi");
    expect(lives).toBe(2);
  });
});

describe("a backend that breaks its contract", () => {
  const broken = (method: keyof AgentProtocol): AgentBackend => {
    const backend = scriptedBackend();
    return {
      ...backend,
      protocol: (input) => {
        const protocol = backend.protocol(input);
        return Object.assign(Object.create(protocol) as AgentProtocol, {
          open: () => protocol.open({}),
          prompt: (turn: Parameters<AgentProtocol["prompt"]>[0]) => protocol.prompt(turn),
          push: (line: string) => protocol.push(line),
          interrupt: () => protocol.interrupt(),
          [method]: () => {
            throw new Error(`${method} is broken`);
          },
        });
      },
    };
  };
  const agent: Handler = async (input, { say }) => {
    if (input.type === "prompt") await say({ wakeAfterMs: 1, events: [delta("x")] });
  };

  it.each(["prompt", "push", "interrupt", "tick"] as const)(
    "by throwing from %s fails the turn only",
    async (method) => {
      const sandbox = memorySandbox({ programs: { "scripted-agent": scriptedAgent(agent) } });
      await using box = await SandboxAgent.start({ sandbox, agent: broken(method) });
      if (method === "push") {
        await expect(box.createSession()).rejects.toMatchObject({ code: "protocol_error" });
        expect(sandbox.runningProcesses).toBe(0);
        return;
      }
      const session = await box.createSession();
      const turn = session.prompt("go", { reject: false });
      if (method === "interrupt") {
        await eventOf(session, "message.delta");
        await turn.interrupt();
        expect((await turn).status).toBe("interrupted");
      } else {
        expect((await turn).error).toMatchObject({ code: "protocol_error" });
      }
    },
  );
});
