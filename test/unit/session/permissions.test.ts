import { describe, expect, it } from "vitest";
import type { AgentEventBody } from "../../../src/spec/events.ts";
import type { PermissionHandler, PermissionRequest, QuestionHandler } from "../../../src/spec/permissions.ts";
import { collect, completed, echo, eventOf, historyOf, quiet, start, type Handler } from "./support.ts";

function request(requestId: string, command = "ls"): AgentEventBody {
  const tool = { name: "Bash", kind: "execute", title: command, input: { command } } as const;
  return { type: "permission.requested", requestId, tool, canRemember: false };
}

const question: AgentEventBody = { type: "question.requested", requestId: "q", questions: [] };

/** Asks once and ends its turn with the answer. */
function asking(event: AgentEventBody, answers: unknown[]): Handler {
  return async (input, agent) => {
    if (input.type === "prompt") await agent.say({ events: [event] });
    if (input.type === "interrupt") await agent.say({ events: [{ type: "turn.interrupted", by: "host" }] });
    if (input.type === "reply") {
      answers.push(input.answer);
      await agent.say({ events: [completed] });
    }
  };
}

const never: PermissionHandler = async () => new Promise(() => undefined);

describe("a permission handler", () => {
  it.each([
    [
      "throws",
      () => {
        throw new Error("private details");
      },
    ],
    [
      "throws what cannot be shown",
      () => {
        throw Object.create(null) as Error;
      },
    ],
    ["rejects", async () => Promise.reject(new Error("private details"))],
    ["answers nonsense", () => "yes" as "allow"],
    ["answers nothing", () => undefined as unknown as "allow"],
    ["answers with a message that is no text", () => ({ outcome: "deny", message: 5 as unknown as string })],
    ["changes the input into what JSON cannot say", () => ({ outcome: "allow", updatedInput: { big: 1n } })],
    ["changes the input into no object", () => ({ outcome: "allow", updatedInput: [] as unknown as object })],
  ] as readonly (readonly [string, PermissionHandler])[])(
    "that %s denies, and a notice tells why",
    async (_, handler) => {
      const answers: { outcome: string; message: string }[] = [];
      const { box } = await start(asking(request("r"), answers));
      const session = await box.createSession({ permissions: handler });
      const events = await collect(session.prompt("go"));
      expect(answers).toMatchObject([{ outcome: "deny" }]);
      expect(answers[0]?.message).not.toContain("private");
      const kinds = events
        .filter((event) => /^(permission|agent)/.test(event.type))
        .map((event) => event.type);
      expect(kinds).toEqual(["permission.requested", "agent.notice", "permission.resolved"]);
    },
  );

  it("that never answers is told when the turn ends, and its turn can be interrupted", async () => {
    const { box } = await start(asking(request("r"), []));
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const timersBefore = timers();
    let signal: AbortSignal | undefined;
    const permissions: PermissionHandler = (asked) => {
      signal = asked.signal;
      return never(asked);
    };
    const session = await box.createSession({ permissions, permissionTimeoutMs: 600_000 });
    const turn = session.prompt("go", { reject: false });
    await eventOf(session, "permission.requested");
    await turn.interrupt();
    expect(signal?.aborted).toBe(true);
    expect((await collect(turn)).slice(-2)).toMatchObject([
      { type: "permission.resolved", outcome: "cancelled", by: "interrupt" },
      { type: "turn.interrupted" },
    ]);
    // Its timer would keep the host alive.
    await quiet();
    expect(timers()).toBeLessThanOrEqual(timersBefore);
  });

  it("that is too slow is told so, and its late answer counts for nothing", async () => {
    const answers: unknown[] = [];
    const { box } = await start(asking(request("r"), answers));
    let reason: unknown;
    const permissions: PermissionHandler = async ({ signal }): Promise<"allow"> => {
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
      reason = signal.reason;
      return "allow";
    };
    const session = await box.createSession({ permissions, permissionTimeoutMs: 20 });
    const events = await collect(session.prompt("go"));
    await quiet();
    expect(answers).toMatchObject([{ outcome: "deny" }]);
    expect(reason).toMatchObject({ name: "TimeoutError" });
    expect(events.filter((event) => event.type === "permission.resolved")).toMatchObject([{ by: "timeout" }]);
  });

  it("answers the request it was asked, not a later one with the same id", async () => {
    const answers: unknown[] = [];
    let lives = 0;
    const { box } = await start(async (input, agent) => {
      if (input.type === "open") lives++;
      if (input.type === "prompt") {
        await agent.say({ events: [request("0", lives === 1 ? "ls" : "rm -rf /")] });
        if (lives === 1) return 1;
      }
      if (input.type === "reply") answers.push(input.answer);
      if (input.type === "interrupt") await agent.say({ events: [{ type: "turn.interrupted", by: "host" }] });
      return undefined;
    });
    const asked: { request: PermissionRequest; answer: (decision: "allow") => void }[] = [];
    const session = await box.createSession({
      permissions: async (made) =>
        new Promise((resolve) => {
          asked.push({ request: made, answer: resolve });
        }),
    });
    await session.prompt("one", { reject: false });
    const second = session.prompt("two", { reject: false });
    await eventOf(session, "permission.requested", 2);
    expect(asked[0]!.request.signal.aborted).toBe(true);
    asked[0]!.answer("allow");
    await quiet();
    expect(answers).toEqual([]);
    await session.close();
    expect(asked[1]!.request.signal.aborted).toBe(true);
    expect((await second).status).toBe("interrupted");
  });

  it("is told when the agent withdraws a request, and is asked once for one that is repeated", async () => {
    const signals: AbortSignal[] = [];
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      await agent.say({ events: [request("r"), request("r")] });
      const withdrawn = {
        type: "permission.resolved",
        requestId: "r",
        outcome: "cancelled",
        by: "agent",
      } as const;
      await agent.say({ events: [withdrawn, withdrawn, completed] });
    });
    const session = await box.createSession({
      permissions: (asked) => {
        signals.push(asked.signal);
        return never(asked);
      },
    });
    const events = await collect(session.prompt("go"));
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(events.filter((event) => event.type.startsWith("permission."))).toHaveLength(2);
  });

  it("keeps thinking about a request between turns when a turn ends", async () => {
    const answers: unknown[] = [];
    let allow: ((decision: "allow") => void) | undefined;
    const { box } = await start(async (input, agent) => {
      if (input.type === "prompt") {
        await agent.say({ background: true, events: [request("b")] });
        await agent.say({ events: [completed] });
      }
      if (input.type === "reply") answers.push(input.answer);
    });
    let signal: AbortSignal | undefined;
    const session = await box.createSession({
      permissions: async (asked): Promise<"allow"> => {
        signal = asked.signal;
        return new Promise((resolve) => {
          allow = resolve;
        });
      },
    });
    await session.prompt("go");
    expect(signal?.aborted).toBe(false);
    allow?.("allow");
    await quiet();
    expect(answers).toMatchObject([{ outcome: "allow" }]);
  });

  it("is not stood in for by a rule when the call does not say what it does", async () => {
    const answers: unknown[] = [];
    const odd = request("r");
    Object.assign((odd as { tool: { input: object } }).tool.input, {
      command: null,
      path: { toString: null },
    });
    const { box } = await start(asking(odd, answers));
    const session = await box.createSession({ permissions: { allow: ["Bash(ls)"] } });
    await session.prompt("go");
    expect(answers).toMatchObject([{ outcome: "deny" }]);
  });

  it("is not waited for by the idle timer", async () => {
    const { box } = await start(asking(request("r"), []));
    const session = await box.createSession({
      permissions: async () => new Promise((resolve) => setTimeout(resolve, 200, "allow")),
    });
    expect((await session.prompt("go", { idleTimeoutMs: 40 })).status).toBe("completed");
  });
});

describe("a question handler", () => {
  it.each([
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["answers nonsense", () => "yes" as unknown as undefined],
    ["answers with numbers", () => ({ a: 5 }) as unknown as undefined],
  ] as readonly (readonly [string, QuestionHandler])[])(
    "that %s declines, and a notice tells why",
    async (_, onQuestion) => {
      const answers: object[] = [];
      const { box } = await start(asking(question, answers));
      const session = await box.createSession({ onQuestion });
      const events = await collect(session.prompt("go"));
      expect(answers).toEqual([{ type: "question", requestId: "q" }]);
      expect(events.some((event) => event.type === "agent.notice")).toBe(true);
    },
  );

  it("is told when the agent withdraws the question, which the log calls by its name", async () => {
    let signal: AbortSignal | undefined;
    const { box } = await start(async (input, agent) => {
      if (input.type !== "prompt") return;
      await agent.say({ events: [question] });
      await agent.say({
        events: [
          { type: "permission.resolved", requestId: "q", outcome: "cancelled", by: "agent" },
          completed,
        ],
      });
    });
    const onQuestion: QuestionHandler = async (asked) => {
      signal = asked.signal;
      return new Promise(() => undefined);
    };
    const session = await box.createSession({ onQuestion });
    const turn = session.prompt("go");
    const events = await collect(turn);
    expect(events.find((event) => event.type === "question.resolved")).toMatchObject({
      requestId: "q",
      by: "agent",
      turnId: turn.id,
    });
    expect(events.some((event) => event.type === "permission.resolved")).toBe(false);
    expect(signal?.aborted).toBe(true);
    await session.close();
    expect((await historyOf(session)).at(-1)?.type).toBe("session.ended");
  });
});

describe("a handler of permissions that nobody would ask", () => {
  const onPermission: PermissionHandler = () => "deny";

  it("is refused where no permissions are named", async () => {
    const { box } = await start(echo);
    const refused = box.createSession({ onPermission });
    await expect(refused).rejects.toThrow(TypeError);
    await expect(refused).rejects.toThrow('"onPermission" would never be asked');
    await expect(refused).rejects.toThrow('permissions: { default: "ask" }');
  });

  it("is nothing to object to where they are named", async () => {
    const { box } = await start(echo);
    const session = await box.createSession({ onPermission, permissions: "deny-all" });
    expect(session.status).toBe("idle");
  });

  it("is refused where the box has it, and neither it nor the session has permissions", async () => {
    const { box } = await start(echo, {}, { defaults: { onPermission } });
    await expect(box.createSession()).rejects.toThrow('"onPermission" would never be asked');
    const ruled = await box.createSession({ permissions: { ask: ["Bash"] } });
    // One session may do without the box's handler.
    const free = await box.createSession({ permissions: "allow-all" });
    expect([ruled.status, free.status]).toEqual(["idle", "idle"]);
  });
});
