import { describe, expect, it } from "vitest";
import type { AgentExit, Step } from "../../../../src/kit.ts";
import { atRest, commands, json, lines, promptTaken, readyProtocol } from "./lines.ts";

const exit = (more: Partial<AgentExit> = {}): AgentExit => ({ code: 1, signal: null, stderr: "", ...more });
const types = (step: Step): readonly string[] => (step.events ?? []).map(({ type }) => type);
const failed = { role: "assistant", content: [], stopReason: "error", errorMessage: "500 oops" };

describe("requests of the host", () => {
  const content = [{ type: "text", text: "Rather so." }] as const;

  it("steer a turn that runs", () => {
    const protocol = readyProtocol();
    expect(protocol.request!({ id: "h1", type: "steer", content })).toMatchObject({
      responses: [{ id: "h1", error: "No turn is running that could be steered." }],
    });
    promptTaken(protocol);
    const [command] = commands(protocol.request!({ id: "h2", type: "steer", content }));
    expect(command).toMatchObject({ type: "prompt", streamingBehavior: "steer", message: "Rather so." });
    expect(protocol.push(lines.response(command!.id))).toMatchObject({ responses: [{ id: "h2" }] });
    protocol.interrupt();
    expect(protocol.request!({ id: "h3", type: "steer", content }).responses).toMatchObject([{ id: "h3" }]);
  });

  it("hold the turn open until Pi has taken the message", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const ended = protocol.push(lines.agentEnd());
    const [command] = commands(protocol.request!({ id: "h1", type: "steer", content }));
    expect(types(atRest(protocol, ended))).toEqual([]);
    const taken = protocol.push(lines.response(command!.id));
    expect(types(atRest(protocol, taken))).toEqual(["turn.completed"]);
  });

  it("leave the message for an agent that waits to run again", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(lines.agentEnd(failed));
    protocol.push(lines.retry("500 oops"));
    expect(commands(protocol.request!({ id: "h1", type: "steer", content }))).toMatchObject([
      { type: "steer" },
    ]);
  });

  const models = {
    models: [
      { provider: "openai", id: "gpt-5", name: "GPT-5" },
      { provider: "custom", id: "m1" },
      { provider: "custom", id: "gpt-5" },
    ],
  };

  it("list the models", () => {
    const protocol = readyProtocol();
    const [command] = commands(protocol.request!({ id: "h1", type: "list_models" }));
    expect(protocol.push(lines.response(command!.id, models))).toMatchObject({
      responses: [
        {
          id: "h1",
          models: [
            { id: "openai/gpt-5", name: "GPT-5" },
            { id: "custom/m1", isDefault: true },
            { id: "custom/gpt-5" },
          ],
        },
      ],
    });
  });

  it.each([
    ["openai/gpt-5", { provider: "openai", modelId: "gpt-5" }],
    ["gpt-5", { provider: "custom", modelId: "gpt-5" }],
    ["m1", { provider: "custom", modelId: "m1" }],
  ])("set the model %s", (model, expected) => {
    const protocol = readyProtocol();
    const [list] = commands(protocol.request!({ id: "h1", type: "set_model", model }));
    const [command] = commands(protocol.push(lines.response(list!.id, models)));
    expect(command).toMatchObject({ type: "set_model", ...expected });
    const { provider, modelId } = expected;
    expect(protocol.push(lines.response(command!.id, { provider, id: modelId }))).toMatchObject({
      responses: [{ id: "h1" }],
      events: [{ type: "session.updated", model: `${provider}/${modelId}` }],
      background: true,
    });
  });

  it("are refused for a model that is not there", () => {
    const protocol = readyProtocol();
    const [list] = commands(protocol.request!({ id: "h1", type: "set_model", model: "nope" }));
    expect(protocol.push(lines.response(list!.id, models)).responses).toEqual([
      { id: "h1", error: "Pi has no model nope, or no key for its provider." },
    ]);
  });

  it("are answered when the process ends", () => {
    const protocol = readyProtocol();
    protocol.request!({ id: "h1", type: "list_models" });
    expect(protocol.end(exit()).responses).toEqual([{ id: "h1", error: "Pi ended before it answered." }]);
  });
});

describe("a permission", () => {
  const asking = { permissions: "ask" } as const;

  it("is asked of the host, and answered in the extension's form", () => {
    const protocol = readyProtocol(asking);
    promptTaken(protocol);
    protocol.push(lines.toolStart("call-1"));
    expect(protocol.push(lines.permission("p1")).events).toMatchObject([
      {
        type: "permission.requested",
        requestId: "p1",
        tool: { toolCallId: "call-1", name: "bash", kind: "execute" },
      },
    ]);
    const reply = protocol.reply({ type: "permission", requestId: "p1", outcome: "deny", message: "No." });
    expect(commands(reply)).toEqual([
      { type: "extension_ui_response", id: "p1", value: '{"allow":false,"message":"No."}' },
    ]);
    expect(protocol.push(lines.toolEnd("call-1", "No.", { isError: true })).events).toMatchObject([
      { type: "tool.completed", status: "denied" },
    ]);
    expect(protocol.reply({ type: "permission", requestId: "p1", outcome: "allow" })).toEqual({});
  });

  it("is remembered for the same command only", () => {
    const protocol = readyProtocol(asking);
    promptTaken(protocol);
    protocol.push(lines.permission("p1"));
    protocol.reply({ type: "permission", requestId: "p1", outcome: "allow", remember: true });
    expect(commands(protocol.push(lines.permission("p2")))).toMatchObject([
      { id: "p2", value: '{"allow":true}' },
    ]);
    expect(types(protocol.push(lines.permission("p3", "c", "bash", { command: "rm x" })))).toEqual([
      "permission.requested",
    ]);
  });

  it.each([
    ["when all calls are denied", { permissions: "deny-all" }, true],
    ["when nobody expects it", { permissions: "allow-all" }, true],
    ["outside of a turn", asking, false],
  ] as const)("is refused %s", (_, input, isInTurn) => {
    const protocol = readyProtocol(input);
    if (isInTurn) promptTaken(protocol);
    const step = protocol.push(lines.permission("p1"));
    expect(types(step)).toEqual([]);
    expect(commands(step)).toEqual([{ type: "extension_ui_response", id: "p1", cancelled: true }]);
  });

  it("is withdrawn with its call, or with the run", () => {
    const protocol = readyProtocol(asking);
    promptTaken(protocol);
    protocol.push(lines.permission("p1", "call-1"));
    expect(protocol.push(lines.toolEnd("call-1", "x", { isError: true })).events?.[0]).toEqual({
      type: "permission.resolved",
      requestId: "p1",
      outcome: "cancelled",
      by: "agent",
    });
    protocol.push(lines.permission("p2", "call-2"));
    protocol.interrupt();
    expect(protocol.push(lines.agentEnd()).events).toEqual([
      { type: "permission.resolved", requestId: "p2", outcome: "cancelled", by: "interrupt" },
    ]);
  });
});

describe("dialogs of other extensions", () => {
  it("are questions to the host", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const select = lines.dialog("d1", { method: "select", title: "Which?", options: ["Red", "Blue"] });
    expect(protocol.push(select).events).toEqual([
      {
        type: "question.requested",
        requestId: "d1",
        questions: [
          {
            id: "answer",
            question: "Which?",
            options: [{ label: "Red" }, { label: "Blue" }],
            multiSelect: false,
          },
        ],
      },
    ]);
    const answered = protocol.reply({ type: "question", requestId: "d1", answers: { answer: "Blue" } });
    expect(commands(answered)).toMatchObject([{ id: "d1", value: "Blue" }]);

    protocol.push(lines.dialog("d2", { method: "confirm", title: "Clear?", message: "All is lost." }));
    const confirmed = protocol.reply({ type: "question", requestId: "d2", answers: { answer: "Yes" } });
    expect(commands(confirmed)).toMatchObject([{ id: "d2", confirmed: true }]);

    protocol.push(lines.dialog("d3", { method: "input", title: "Name?" }));
    expect(commands(protocol.reply({ type: "question", requestId: "d3" }))).toMatchObject([
      { id: "d3", cancelled: true },
    ]);
  });

  it("are closed where nobody answers", () => {
    const protocol = readyProtocol({ answersQuestions: false });
    promptTaken(protocol);
    const step = protocol.push(lines.dialog("d1", { method: "editor", title: "Text?" }));
    expect(commands(step)).toMatchObject([{ id: "d1", cancelled: true }]);
  });

  it("that want no answer are notices, or nothing", () => {
    const protocol = readyProtocol();
    const notify = lines.dialog("d1", { method: "notify", message: "Careful.", notifyType: "warning" });
    expect(protocol.push(notify)).toMatchObject({
      events: [{ type: "agent.notice", level: "warning", message: "Careful." }],
      background: true,
    });
    expect(types(protocol.push(lines.dialog("d2", { method: "setTitle", title: "x" })))).toEqual([]);
    expect(types(protocol.push(lines.dialog("d3", { method: "other" })))).toEqual(["agent.unknown"]);
    expect(types(protocol.push(json({ type: "extension_error", error: "Broken." })))).toEqual([
      "agent.notice",
    ]);
  });
});
