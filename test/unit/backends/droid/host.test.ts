import { describe, expect, it } from "vitest";
import type { AgentProtocol, Step } from "../../../../src/kit.ts";
import { answered, lines, prompt, readyProtocol, sent } from "./lines.ts";

const exited = { code: 1, signal: null, stderr: "" } as const;

function promptTaken(protocol: AgentProtocol): string {
  const [request] = sent(prompt(protocol));
  protocol.push(lines.answer(request!.id));
  protocol.push(lines.takenUp(request!.id));
  return request!.id;
}

function steer(protocol: AgentProtocol, text = "And this."): Step {
  return protocol.request!({ id: "host-1", type: "steer", content: [{ type: "text", text }] });
}

describe("a message for the running turn", () => {
  it("is taken up within the run, and ends with it", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const [request] = sent(steer(protocol));
    expect(request).toMatchObject({ method: "droid.add_user_message", params: { text: "And this." } });
    expect(protocol.push(lines.answer(request!.id))).toMatchObject({ responses: [{ id: "host-1" }] });
    protocol.push(lines.takenUp(request!.id));
    expect(protocol.push(lines.completed()).events).toMatchObject([{ type: "turn.completed" }]);
  });

  it("keeps the turn open where it is taken up in a run of its own", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const [request] = sent(steer(protocol));
    expect(protocol.push(lines.completed()).events ?? []).toEqual([]);
    protocol.push(lines.answer(request!.id));
    protocol.push(lines.takenUp(request!.id));
    const words = protocol.push(lines.delta("Steered."));
    expect(words).not.toHaveProperty("background");
    expect(protocol.push(lines.completed()).events).toMatchObject([{ type: "turn.completed" }]);
  });

  it("makes a warning of what went wrong before it", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const [request] = sent(steer(protocol));
    protocol.push(lines.answer(request!.id));
    protocol.push(lines.told("error", { message: "400 bad" }));
    expect(protocol.push(lines.completed("model_request_rejected")).events ?? []).toEqual([]);
    expect(protocol.push(lines.takenUp(request!.id)).events).toEqual([
      { type: "agent.notice", level: "warning", message: "400 bad" },
    ]);
    expect(protocol.push(lines.completed()).events).toMatchObject([{ type: "turn.completed" }]);
  });

  it("that is refused or given up after the run has ended ends the turn", () => {
    for (const end of ["refusal", "discarded", "all discarded"]) {
      const protocol = readyProtocol();
      promptTaken(protocol);
      const [request] = sent(steer(protocol));
      protocol.push(lines.completed());
      const line =
        end === "refusal"
          ? lines.refusal(request!.id, "Too late.")
          : lines.told("queued_messages_discarded", end === "discarded" ? { requestId: request!.id } : {});
      const step = protocol.push(line);
      expect(step.events).toMatchObject([{ type: "turn.completed" }]);
      expect(step.responses ?? []).toEqual(end === "refusal" ? [{ id: "host-1", error: "Too late." }] : []);
    }
  });

  it("is refused without a turn", () => {
    expect(steer(readyProtocol())).toMatchObject({ responses: [{ id: "host-1", error: /turn/ }] });
  });

  it("is answered when the process ends", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    steer(protocol);
    expect(protocol.end(exited)).toMatchObject({ responses: [{ id: "host-1" }] });
  });
});

describe("an interrupt", () => {
  it("is asked for by the protocol, and ends the turn", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(sent(protocol.interrupt())).toMatchObject([{ method: "droid.interrupt_session" }]);
    expect(protocol.push(lines.completed("cancelled")).events).toMatchObject([
      { type: "turn.interrupted", by: "host" },
    ]);
  });

  it("does not wait for messages that are not taken up any more", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    steer(protocol);
    protocol.interrupt();
    expect(protocol.push(lines.completed("cancelled")).events).toMatchObject([{ type: "turn.interrupted" }]);
  });

  it("is the agent's where nobody has asked for it", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(protocol.push(lines.completed("cancelled")).events).toMatchObject([
      { type: "turn.interrupted", by: "agent" },
    ]);
  });

  it("interrupts a tool, and withdraws a question", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(lines.answerWritten([lines.call("c-1", "AskUser", {})]));
    const questions = [{ index: 1, question: "Why?", options: ["A"] }];
    protocol.push(lines.request("q-1", "ask_user", { toolCallId: "c-1", questions }));
    protocol.interrupt();
    expect(protocol.push(lines.result("c-1", "Error: cancelled", true)).events).toEqual([
      { type: "permission.resolved", requestId: "q-1", outcome: "cancelled", by: "interrupt" },
      { type: "tool.completed", toolCallId: "c-1", status: "interrupted", output: "Error: cancelled" },
    ]);
  });

  it("comes to nothing without a turn", () => {
    expect(readyProtocol().interrupt()).toEqual({});
  });

  it("is the reason when the process ends in its course", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.interrupt();
    expect(protocol.end(exited).events).toMatchObject([{ type: "turn.interrupted", by: "host" }]);
  });
});

describe("permissions", () => {
  const asks = lines.request("p-1", "request_permission", {
    toolUses: [{ toolUse: lines.call("c-1", "ExitSpecMode", {}) }],
    options: [{ value: "proceed_auto" }, { value: "proceed_once" }, { value: "cancel" }],
  });

  it("are given where all is allowed, for once", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const step = protocol.push(asks);
    expect(answered(step)).toEqual([{ selectedOption: "proceed_once" }]);
    expect(step.events).toMatchObject([{ type: "tool.started", name: "ExitSpecMode" }]);
  });

  it.each(["deny-all", "ask"] as const)("are not given in mode %s", (permissions) => {
    const protocol = readyProtocol({ permissions });
    promptTaken(protocol);
    expect(answered(protocol.push(asks))).toEqual([{ selectedOption: "cancel" }]);
  });

  it("are not given outside of a turn, or to one that is being interrupted", () => {
    const protocol = readyProtocol();
    expect(answered(protocol.push(asks))).toEqual([{ selectedOption: "cancel" }]);
    promptTaken(protocol);
    protocol.interrupt();
    expect(answered(protocol.push(asks))).toEqual([{ selectedOption: "cancel" }]);
  });

  it("that are denied altogether deny what fails", () => {
    const protocol = readyProtocol({ permissions: "deny-all" });
    promptTaken(protocol);
    protocol.push(lines.answerWritten([lines.call("c-1")]));
    expect(protocol.push(lines.result("c-1", "Error: not permitted", true)).events).toMatchObject([
      { status: "denied" },
    ]);
  });
});

describe("questions", () => {
  const questions = [
    { index: 1, topic: "Colour", question: "Which?", options: ["Red", "Blue"] },
    { index: 2, question: "What else?", options: [{ label: "This" }, "That"], multiSelect: true },
  ];
  const asks = lines.request("q-1", "ask_user", { toolCallId: "c-1", questions });

  function asked(): AgentProtocol {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(protocol.push(asks).events).toEqual([
      {
        type: "question.requested",
        requestId: "q-1",
        questions: [
          {
            id: "1",
            header: "Colour",
            question: "Which?",
            options: [{ label: "Red" }, { label: "Blue" }],
            multiSelect: false,
          },
          {
            id: "2",
            question: "What else?",
            options: [{ label: "This" }, { label: "That" }],
            multiSelect: true,
          },
        ],
      },
    ]);
    return protocol;
  }

  it("are answered once", () => {
    const protocol = asked();
    const answer = {
      type: "question",
      requestId: "q-1",
      answers: { "1": "Blue", "2": ["This", "That"] },
    } as const;
    expect(answered(protocol.reply(answer))).toEqual([
      {
        answers: [
          { index: 1, question: "Which?", answer: "Blue" },
          { index: 2, question: "What else?", answer: "This, That" },
        ],
      },
    ]);
    expect(protocol.reply(answer)).toEqual({});
  });

  it("may be declined, and are where nobody could answer", () => {
    const declined = [{ cancelled: true, answers: [] }];
    expect(answered(asked().reply({ type: "question", requestId: "q-1" }))).toEqual(declined);
    const alone = readyProtocol({ answersQuestions: false });
    promptTaken(alone);
    expect(answered(alone.push(asks))).toEqual(declined);
    expect(answered(readyProtocol().push(asks))).toEqual(declined);
  });

  it("are withdrawn with the turn", () => {
    expect(asked().push(lines.completed("error")).events).toMatchObject([
      { type: "permission.resolved", requestId: "q-1", by: "agent" },
      { type: "turn.failed" },
    ]);
  });
});

describe("models", () => {
  it("are listed under the names that the options gave them", () => {
    const protocol = readyProtocol();
    const [request] = sent(protocol.request!({ id: "host-1", type: "list_models" }));
    const models = [{ id: "custom:m1", displayName: "One" }, { id: "custom:m2" }, { id: "glm-5" }];
    expect(protocol.push(lines.answer(request!.id, { models })).responses).toEqual([
      { id: "host-1", models: [{ id: "m1", name: "One", isDefault: true }, { id: "m2" }, { id: "glm-5" }] },
    ]);
  });

  it("are changed, and the change outlives the process", () => {
    const protocol = readyProtocol();
    const [request] = sent(protocol.request!({ id: "host-1", type: "set_model", model: "m2" }));
    expect(request).toMatchObject({
      method: "droid.update_session_settings",
      params: { modelId: "custom:m2" },
    });
    expect(protocol.push(lines.answer(request!.id))).toMatchObject({
      responses: [{ id: "host-1" }],
      events: [{ type: "session.updated", model: "m2" }],
    });
    protocol.end(exited);
    expect(sent(protocol.open({}))).toMatchObject([{ params: { modelId: "custom:m2" } }]);
  });

  it("that are not there are refused", () => {
    const protocol = readyProtocol();
    expect(protocol.request!({ id: "host-1", type: "set_model", model: "m9" })).toEqual({
      responses: [{ id: "host-1", error: "Droid has no model m9." }],
    });
  });

  it("are set for the next process where there is none", () => {
    const protocol = readyProtocol();
    protocol.end(exited);
    const set = { id: "host-1", type: "set_model", model: "m2" } as const;
    expect(protocol.request!(set)).toEqual({ responses: [{ id: "host-1" }] });
    expect(protocol.request!({ id: "host-2", type: "list_models" })).toMatchObject({
      responses: [{ id: "host-2", error: "No process of Droid is running." }],
    });
    expect(sent(protocol.open({}))).toMatchObject([{ params: { modelId: "custom:m2" } }]);
  });
});
