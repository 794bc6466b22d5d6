import { describe, expect, it } from "vitest";
import type { AgentEventBody } from "../../../src/spec/events.ts";
import { planSession } from "../../../src/session-plan.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";
import { scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import { completed, start, type Handler } from "./support.ts";

/** A text that was cut in the middle of a character. */
const cut = "the fox \u{1f98a}".slice(0, -1);
const mended = "the fox \ufffd";

const permission: AgentEventBody = {
  type: "permission.requested",
  requestId: "r",
  tool: { name: "Bash", kind: "execute", title: "ls", input: { command: "ls" } },
  canRemember: false,
};
const question: AgentEventBody = { type: "question.requested", requestId: "q", questions: [] };

/** Asks for a permission, then a question, and keeps everything that it hears. */
function hearing(heard: unknown[]): Handler {
  return async (input, agent) => {
    if (input.type === "prompt") {
      heard.push(input.text);
      await agent.say({ events: [permission] });
    }
    if (input.type !== "reply") return;
    heard.push(input.answer);
    await agent.say({ events: heard.length === 2 ? [question] : [completed] });
  };
}

describe("half a character", () => {
  it("does not get to the agent, which might not take the line", async () => {
    const heard: unknown[] = [];
    const { box } = await start(hearing(heard));
    const session = await box.createSession({
      permissions: () => ({ outcome: "deny", message: cut }),
      onQuestion: () => ({ one: cut, several: [cut, "whole \u{1f98a}"] }),
    });
    await session.prompt(cut);
    expect(heard).toMatchObject([
      mended,
      { outcome: "deny", message: mended },
      { answers: { one: mended, several: [mended, "whole \u{1f98a}"] } },
    ]);
  });

  it.each([
    [cut, { append: mended }],
    [{ append: cut }, { append: mended }],
    [{ replace: cut }, { replace: mended }],
  ])("does not get into the system prompt %j", (systemPrompt, wanted) => {
    const plan = planSession(
      memorySandbox({ programs: {} }),
      { agent: scriptedBackend() },
      { systemPrompt },
      "/",
    );
    expect(plan.input.systemPrompt).toEqual(wanted);
  });
});
