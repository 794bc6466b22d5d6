import { describe, expect, it } from "vitest";
import type { AgentEvent } from "../../../src/spec/events.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";
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

const stoppable: Handler = async (input, agent) => {
  if (input.type === "prompt") await agent.say({ events: [delta("begin")] });
  if (input.type === "interrupt") await agent.say({ events: [{ type: "turn.interrupted", by: "host" }] });
};

describe("a listener that acts on what it hears", () => {
  it("shows the same order to every listener", async () => {
    const { box } = await start(echo);
    const session = await box.createSession();
    session.onEvent((event) => {
      if (event.type === "turn.started" && event.seq < 5) session.prompt("another");
    });
    const seen: number[] = [];
    session.onEvent((event) => seen.push(event.seq));
    await session.prompt("one");
    await eventOf(session, "turn.completed", 2);
    expect(seen).toEqual(seen.map((_, index) => index + 1));
  });

  it("gets no event from before it subscribed, and none after it unsubscribed", async () => {
    const { box } = await start(echo);
    const session = await box.createSession();
    const late: AgentEvent[] = [];
    const gone: AgentEvent[] = [];
    const listen = (event: AgentEvent): number => gone.push(event);
    const stops = [session.onEvent(listen), session.onEvent(listen)];
    session.onEvent((event) => {
      if (event.type !== "turn.started") return;
      stops[0]!();
      session.onEvent((later) => late.push(later));
    });
    await session.prompt("one");
    expect(late[0]?.type).toBe("message.started");
    // Two subscriptions of one function are two: the second one goes on.
    expect(gone.map((event) => event.type).filter((type) => type === "turn.queued")).toHaveLength(2);
    expect(gone.filter((event) => event.type === "turn.completed")).toHaveLength(1);
  });

  it.each(["turn.queued", "turn.started", "message.delta", "message.completed", "turn.interrupted"] as const)(
    "may close the session upon %s",
    async (type) => {
      const { box, sandbox } = await start(stoppable);
      const session = await box.createSession();
      const closings: Promise<void>[] = [];
      session.onEvent((event) => {
        if (event.type === type) closings.push(session.close());
      });
      const turn = session.prompt("go", { reject: false });
      if (type !== "turn.queued" && type !== "turn.started") {
        await eventOf(session, "message.delta");
        await turn.interrupt();
      }
      expect((await turn).status).toBe("interrupted");
      await Promise.all(closings);
      const events = await historyOf(session);
      expect(events.filter((event) => event.type === "session.ended")).toHaveLength(1);
      expect(events.filter((event) => event.type === "turn.interrupted")).toHaveLength(1);
      expect(events.at(-1)?.type).toBe("session.ended");
      expect(sandbox.runningProcesses).toBe(0);
    },
  );

  it("may interrupt the turn upon its start", async () => {
    let prompts = 0;
    const { box } = await start(async (input) => {
      if (input.type === "prompt") prompts++;
      return Promise.resolve();
    });
    const session = await box.createSession();
    session.onEvent((event) => {
      if (event.type === "turn.started") void session.interrupt();
    });
    const turn = session.prompt("go");
    await expect(turn).rejects.toMatchObject({ code: "turn_interrupted" });
    expect((await collect(turn)).map((event) => event.type)).toEqual([
      "turn.queued",
      "turn.started",
      "turn.interrupted",
    ]);
    expect(prompts).toBe(0);
  });

  it("may interrupt the turn while it is being ended", async () => {
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt") await agent.say({ events: [delta("text"), completed] });
    });
    const session = await box.createSession();
    session.onEvent((event) => {
      if (event.type === "message.completed") void session.interrupt();
    });
    const turn = session.prompt("go");
    expect((await turn).status).toBe("completed");
    const terminal = (await collect(turn)).filter((event) =>
      /^turn\.(completed|inter|failed)/.test(event.type),
    );
    expect(terminal).toHaveLength(1);
    expect((await session.prompt("next")).status).toBe("completed");
  });

  it("may be hostile: whatever it throws, the session goes on", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on("warning", onWarning);
    const { box } = await start(echo);
    const session = await box.createSession();
    const hostile = Object.create(null) as object;
    session.onEvent(() => {
      throw hostile as Error;
    });
    session.onEvent(async () => {
      await Promise.resolve();
      throw hostile as Error;
    });
    expect((await session.prompt("go")).text).toBe("you said go");
    await quiet();
    process.off("warning", onWarning);
    expect(warnings.map(({ name }) => name)).toEqual(["PlaypenListenerWarning"]);
  });
});

describe("a session's state", () => {
  it("is idle as soon as an awaited turn has ended", async () => {
    const { box } = await start(echo);
    const session = await box.createSession();
    await session.prompt("go");
    expect(session.status).toBe("idle");
  });

  it("counts only the turns ahead that will run", async () => {
    const { box } = await start(stoppable);
    const session = await box.createSession();
    const turns = [0, 1, 2].map(() => session.prompt("go", { reject: false }));
    await turns[1]!.interrupt();
    const [queued] = await collect(session.prompt("last", { signal: AbortSignal.abort() }));
    expect(queued).toMatchObject({ type: "turn.queued", position: 2 });
    await session.close();
  });

  it("ends with session.ended, whatever a process prints that does not end", async () => {
    const { box } = await start(
      async (input, agent) => {
        if (input.type !== "prompt") return;
        await agent.say({ events: [completed] });
        for (;;) await agent.say({ background: true, events: [delta("more ", "m2")] });
      },
      {},
      { handledSignals: ["SIGINT", "SIGTERM"] },
    );
    const session = await box.createSession();
    const seen: string[] = [];
    session.onEvent((event) => seen.push(event.type));
    await session.prompt("go");
    await session.close();
    await quiet();
    expect(seen.at(-1)).toBe("session.ended");
  });

  it("does not leave a process behind when it is closed while it starts", async () => {
    let release: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { box, sandbox } = await start(async (input) => {
      if (input.type === "open") release();
      return Promise.resolve(true);
    });
    const creating = box.createSession();
    creating.catch(() => undefined);
    await opened;
    await box.sessions[0]!.close();
    await expect(creating).rejects.toMatchObject({ code: "session_closed" });
    expect(sandbox.runningProcesses).toBe(0);
  });

  it("is not created in a box that was destroyed meanwhile, in any mode", async () => {
    for (const mode of ["turn", "session"] as const) {
      const { box } = await start(echo, { mode });
      const creating = box.createSession();
      creating.catch(() => undefined);
      await box.destroy();
      await expect(creating).rejects.toMatchObject({ code: "sandbox_closed" });
      expect(box.sessions).toEqual([]);
    }
  });

  it("begins where the sandbox says", async () => {
    const provider = memorySandbox({ programs: {} });
    const sandbox = await provider.create({ env: {}, labels: {}, cwd: "/here" });
    await sandbox.files.write("a.txt", "a");
    expect(await sandbox.files.readText("/here/a.txt")).toBe("a");
    await sandbox.destroy();
    await expect(sandbox.files.read("a.txt")).rejects.toMatchObject({ code: "file_failed" });
  });
});
