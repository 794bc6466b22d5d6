import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../../src/index.ts";
import { retryDelayMs } from "../../../src/session/retry-policy.ts";
import { answer, collect, delta, eventOf, start, type Handler } from "./support.ts";

const quick = { initialMs: 1, maxMs: 2 };
const backoff = {
  rate_limited: quick,
  model_overloaded: quick,
  model_error: quick,
  network_error: quick,
  agent_exited: quick,
};

/** Fails the first prompts, and answers those after them. */
function failing(times: number, code: ErrorCode = "model_error", retryable = true): Handler {
  let count = 0;
  return async (input, agent) => {
    if (input.type !== "prompt") return;
    if (++count > times) {
      await answer(agent, `answer ${String(count)}`);
      return;
    }
    await agent.say({ events: [delta("half", `m${String(count)}`)] });
    await agent.say({
      events: [{ type: "turn.failed", error: { code, message: "Oops.", retryable, status: 500 } }],
    });
  };
}

describe("a session with a retry policy", () => {
  it("sends a prompt again that failed for a passing reason, in the same turn, and tells so", async () => {
    const { box } = await start(failing(2));
    const session = await box.createSession({ retry: { attempts: 3, backoff } });
    const turn = session.prompt("go");
    const events = await collect(turn);
    expect(await turn).toMatchObject({ status: "completed", text: "answer 3" });
    expect(events.filter(({ type }) => type === "agent.retrying")).toMatchObject([
      { attempt: 1, maxAttempts: 3, reason: "server", status: 500, message: "Oops.", turnId: turn.id },
      { attempt: 2 },
    ]);
    expect(events.filter(({ type }) => /^turn\.(completed|failed)/.test(type))).toHaveLength(1);
    const messages = events.flatMap((event) => (event.type === "message.completed" ? [event.text] : []));
    expect(messages).toEqual(["half", "half", "answer 3"]);
  });

  it("fails with the last error when the attempts are used up, and begins anew with the next prompt", async () => {
    const { box } = await start(failing(3));
    const session = await box.createSession({ retry: { attempts: 1, backoff } });
    await expect(session.prompt("go")).rejects.toMatchObject({
      code: "model_error",
      details: { status: 500 },
    });
    expect((await session.prompt("go")).text).toBe("answer 4");
  });

  it("starts the agent again that has died", async () => {
    let launches = 0;
    const { box } = await start(async (input, agent) => {
      if (input.type === "open") launches += 1;
      if (input.type !== "prompt") return undefined;
      if (launches === 1) return 1;
      await answer(agent, "alive");
      return undefined;
    });
    const session = await box.createSession({ retry: { attempts: 1, backoff } });
    expect((await session.prompt("go")).text).toBe("alive");
    expect(launches).toBe(2);
  });

  it.each([
    ["that does not pass", failing(1, "authentication_failed", false), {}],
    ["whose code the policy leaves out", failing(1), { backoff: { model_error: false } }],
  ] as const)("does not repeat a failure %s", async (_, handler, policy) => {
    const { box } = await start(handler);
    const session = await box.createSession({ retry: { attempts: 5, ...policy } });
    const turn = session.prompt("go");
    const events = await collect(turn);
    await expect(turn).rejects.toThrow("Oops.");
    expect(events.map(({ type }) => type)).not.toContain("agent.retrying");
  });

  it("can be interrupted while it waits, and the next turn is clean", async () => {
    const { box } = await start(failing(1));
    const slow = { model_error: { initialMs: 60_000, maxMs: 60_000 } };
    const session = await box.createSession({ retry: { attempts: 1, backoff: slow } });
    const turn = session.prompt("go", { idleTimeoutMs: 50 });
    await eventOf(session, "agent.retrying");
    await turn.interrupt();
    await expect(turn).rejects.toMatchObject({ code: "turn_interrupted", result: { text: "half" } });
    expect((await session.prompt("go")).text).toBe("answer 2");
  });

  it("gives up the wait when the box is destroyed", async () => {
    const { box } = await start(failing(1));
    const slow = { model_error: { initialMs: 60_000, maxMs: 60_000 } };
    const session = await box.createSession({ retry: { attempts: 1, backoff: slow } });
    const turn = session.prompt("go", { reject: false });
    await eventOf(session, "agent.retrying");
    await box.destroy();
    expect(await turn).toMatchObject({ status: "interrupted" });
  });

  it("refuses a policy that is none", async () => {
    const { box } = await start(failing(0));
    const create = (retry: object) => box.createSession({ retry: retry as { attempts: number } });
    await expect(create({})).rejects.toThrow("attempts are a whole number");
    await expect(create({ attempts: 1, delay: 3 })).rejects.toThrow("known are attempts and backoff");
    await expect(create({ attempts: 1, backoff: { nonsense: quick } })).rejects.toThrow("nonsense");
    await expect(create({ attempts: 1, backoff: { model_error: 5 } })).rejects.toThrow(
      "{ initialMs, maxMs }",
    );
  });
});

describe("retryDelayMs", () => {
  const error = { code: "rate_limited", message: "", retryable: true } as const;

  it("doubles up to the bound, give or take a fifth", () => {
    const policy = { attempts: 9 };
    expect([1, 2, 3, 4, 5, 6].map((attempt) => retryDelayMs(policy, error, attempt, 0.5))).toEqual([
      5_000, 10_000, 20_000, 40_000, 60_000, 60_000,
    ]);
    expect(retryDelayMs(policy, error, 1, 0)).toBe(4_000);
    expect(retryDelayMs(policy, error, 1, 1)).toBe(6_000);
  });

  it("ends with the attempts", () => {
    expect(retryDelayMs({ attempts: 1 }, error, 2)).toBeUndefined();
    expect(retryDelayMs(undefined, error, 1)).toBeUndefined();
    expect(retryDelayMs({ attempts: 1 }, { ...error, retryable: false }, 1)).toBeUndefined();
    expect(retryDelayMs({ attempts: 1 }, { ...error, code: "budget_exceeded" }, 1)).toBeUndefined();
  });
});
