import { describe, expect, it } from "vitest";
import { type AgentEvent, SandboxAgent, type StartOptions } from "playpen";
import { checkEventInvariants, scripted, type ScriptedOptions } from "playpen/testing";

const hello = { type: "message.delta", messageId: "1", text: "Hello." } as const;
const shell = {
  type: "tool.started",
  toolCallId: "t1",
  name: "Bash",
  kind: "execute",
  title: "rm -rf build",
  input: { command: "rm -rf build" },
} as const;
const asked = {
  type: "permission.requested",
  requestId: "r1",
  canRemember: false,
  tool: { toolCallId: "t1", name: "Bash", kind: "execute", title: "rm -rf build", input: {} },
} as const;
const done = { type: "tool.completed", toolCallId: "t1", status: "ok", output: "gone" } as const;

async function start(options: ScriptedOptions, more: Partial<StartOptions> = {}): Promise<SandboxAgent> {
  return SandboxAgent.start({ ...scripted(options), ...more });
}

async function eventsOf(events: AsyncIterable<AgentEvent>): Promise<AgentEvent[]> {
  const all: AgentEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe("scripted()", () => {
  it("plays a list of events in every turn, and completes what the list leaves open", async () => {
    await using box = await start({ events: [hello, shell, done] });
    const session = await box.createSession();
    for (const prompt of ["one", "two"]) {
      expect(await session.prompt(prompt)).toMatchObject({ text: "Hello.", stopReason: "end_turn" });
    }
    await session.close();
    checkEventInvariants(await eventsOf(session.events({ from: 1 })));
  });

  it("can answer each prompt by itself", async () => {
    await using box = await start({
      events: (prompt, index) => [{ ...hello, text: `${String(index)}: ${prompt}` }],
    });
    const session = await box.createSession();
    expect((await session.prompt("a")).text).toBe("0: a");
    expect((await session.prompt("b")).text).toBe("1: b");
  });

  it.each([
    ["allowed", true, "ok", "gone"],
    ["denied", false, "denied", ""],
  ] as const)("waits for a permission that is %s", async (_, isAllowed, status, output) => {
    await using box = await start(
      { events: [shell, asked, done, hello] },
      {
        permissions: () => (isAllowed ? { outcome: "allow" } : { outcome: "deny", message: "No." }),
      },
    );
    const session = await box.createSession();
    const events = await eventsOf(session.prompt("go"));
    expect(events.filter(({ type }) => type === "tool.completed")).toMatchObject([{ status, output }]);
    expect(events.at(-1)).toMatchObject({ type: "turn.completed", text: "Hello." });
  });

  it("crashes where it is told to, and works again in the next turn", async () => {
    await using box = await start({
      events: (_, index) =>
        index === 0 ? [hello, { fault: "crash", exitCode: 137, stderr: "Killed" }] : [hello],
    });
    const session = await box.createSession();
    await expect(session.prompt("go")).rejects.toMatchObject({
      code: "agent_exited",
      result: { text: "Hello." },
      details: { exitCode: 137, stderr: "Killed" },
    });
  });

  it.each([false, true])("hangs until it is interrupted (stubborn: %s)", async (stubborn) => {
    await using box = await start({ events: [hello, { fault: "hang", stubborn }] });
    const session = await box.createSession();
    const turn = session.prompt("go");
    for await (const event of turn) {
      if (event.type !== "message.delta") continue;
      await turn.interrupt();
    }
    await expect(turn).rejects.toMatchObject({ code: "turn_interrupted" });
  });

  it("prints what is no protocol", async () => {
    await using box = await start({ events: [{ fault: "garbage", line: "npm WARN" }, hello] });
    const session = await box.createSession();
    const events = await eventsOf(session.prompt("go"));
    expect(events.filter(({ type }) => type === "agent.unparsed")).toMatchObject([{ line: "npm WARN" }]);
    expect(events.at(-1)?.type).toBe("turn.completed");
  });

  it("loses its sandbox", async () => {
    await using box = await start({ events: [hello, { fault: "lose-sandbox" }] });
    const session = await box.createSession();
    await expect(session.prompt("go")).rejects.toMatchObject({ code: "sandbox_lost" });
  });

  it("does not start", async () => {
    const startError = { code: "authentication_failed", message: "Log in.", retryable: false } as const;
    await using box = await start({ events: [], startError });
    await expect(box.createSession()).rejects.toMatchObject({ code: "authentication_failed" });
  });

  it("takes its time, and can be interrupted meanwhile", async () => {
    await using box = await start({ events: [{ pauseMs: 600_000 }] });
    const session = await box.createSession();
    const turn = session.prompt("go", { reject: false });
    await session.interrupt();
    expect(await turn).toMatchObject({ status: "interrupted" });
  });

  it("has what a backend has", async () => {
    await using box = await start({ events: [], name: "mine", capabilities: { fork: false } });
    await expect(box.createSession({ resume: "x", fork: true })).rejects.toThrow("mine");
    expect(() => scripted({ events: "hello" as never })).toThrow('option "events" must be an array');
  });
});
