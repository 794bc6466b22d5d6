import { describe, expect, it } from "vitest";
import { lines, prompt, push, readyProtocol, sessionId, types, written } from "./lines.ts";

const image = new Uint8Array(70_000).map((_, index) => index % 251);

describe("a turn", () => {
  it("is prompted with texts and images", () => {
    const [line] = written(
      readyProtocol().prompt({
        turnId: "turn-1",
        content: [
          { type: "text", text: "What is it?" },
          { type: "image", data: image, mediaType: "image/png" },
        ],
      }),
    );
    const data = Buffer.from(image).toString("base64");
    expect(line).toEqual({
      type: "user",
      message: {
        role: "user",
        content: [
          { type: "text", text: "What is it?" },
          { type: "image", source: { type: "base64", media_type: "image/png", data } },
        ],
      },
    });
  });

  it("streams deltas as they come, before the prompt is echoed", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    const steps = push(protocol, lines.init(), lines.start("m1"), lines.block(), lines.delta("Hel"));
    expect(types(steps)).toEqual(["session.started", "message.delta"]);
  });

  it("adds what the deltas lacked of the whole text", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init(), lines.start("m1"), lines.block(), lines.delta("Hel"));
    expect(protocol.push(lines.text("m1", "Hello")).events).toEqual([
      { type: "message.delta", messageId: "m1", text: "lo" },
      { type: "message.completed", messageId: "m1", text: "Hello" },
    ]);
  });

  it("gives several texts of one message names of their own", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init());
    const steps = push(protocol, lines.text("m1", "One."), lines.text("m1", "Two."));
    const ids = steps.flatMap(({ events = [] }) =>
      events.map((event) => "messageId" in event && event.messageId),
    );
    expect(ids).toEqual(["m1", "m1", "m1#1", "m1#1"]);
  });

  it("completes a text whose stream broke off, when another one begins", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init(), lines.start("m1"), lines.block(), lines.delta("Half"));
    expect(protocol.push(lines.start("m2")).events).toEqual([
      { type: "message.completed", messageId: "m1", text: "" },
    ]);
  });

  it("ends once, whatever comes behind its result", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    const steps = push(protocol, lines.init(), lines.echo(), lines.result(), lines.result());
    expect(types(steps)).toEqual(["session.started", "turn.completed"]);
    expect(types([protocol.end({ code: 0, signal: null, stderr: "" })])).toEqual([]);
  });

  it("ends as failed when the process ends without a result, even with exit code 0", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init());
    const step = protocol.end({ code: 0, signal: null, stderr: "Error: out of luck.\n" });
    expect(step.events).toEqual([
      {
        type: "turn.failed",
        error: {
          code: "agent_exited",
          message: "Claude Code ended in the middle of the turn, with exit code 0: Error: out of luck.",
          retryable: true,
          exitCode: 0,
          stderr: "Error: out of luck.\n",
        },
      },
    ]);
  });

  it("ends as interrupted when the process ends because of that", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    protocol.interrupt();
    const step = protocol.end({ code: null, signal: "SIGKILL", stderr: "" });
    expect(step.events).toEqual([{ type: "turn.interrupted", by: "host" }]);
  });

  it("that completes in spite of an interrupt has completed", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init(), lines.echo());
    protocol.interrupt();
    expect(types(push(protocol, lines.result({ result: "Done." })))).toEqual(["turn.completed"]);
  });

  it("that was stopped by somebody else says so", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    const steps = push(protocol, lines.init(), lines.aborted());
    expect(steps.at(-1)!.events).toMatchObject([{ type: "turn.interrupted", by: "agent" }]);
  });

  it("fails with the errors of a result that has none of the known reasons", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    const result = {
      subtype: "error_during_execution",
      is_error: true,
      errors: ["[ede_diagnostic] x", "Broken."],
    };
    expect(protocol.push(lines.result(result)).events).toMatchObject([
      { type: "turn.failed", error: { code: "agent_error", message: "Broken." } },
    ]);
  });

  it("carries structured output", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    const [step] = push(protocol, lines.result({ structured_output: { ok: true } }));
    expect(step!.events).toMatchObject([{ type: "turn.completed", output: { ok: true } }]);
  });
});

describe("late lines", () => {
  it("of a turn that has ended do not belong to the next one", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init(), lines.echo(), lines.start("m1"), lines.block(), lines.delta("One"));
    protocol.interrupt();
    push(protocol, lines.aborted());
    prompt(protocol, "turn-2");
    const late = push(
      protocol,
      lines.delta(" two"),
      lines.text("m1", "One two"),
      lines.tool("m1", "call-1"),
      lines.toolResult("call-1", "late"),
    );
    expect(types(late)).toEqual([
      "(message.delta)",
      "(message.completed)",
      "(tool.started)",
      "(tool.completed)",
    ]);
    const next = push(protocol, lines.init(), lines.echo(), lines.text("m2", "Fresh."), lines.result());
    expect(types(next)).toEqual(["message.delta", "message.completed", "turn.completed"]);
  });

  it("between turns belong to none", () => {
    const protocol = readyProtocol();
    const steps = push(protocol, lines.init(), lines.text("m1", "By the way."), lines.result());
    expect(types(steps)).toEqual(["session.started", "(message.delta)", "(message.completed)"]);
  });
});

describe("background tasks", () => {
  const answer = (id: string): readonly string[] => [
    lines.start(id),
    lines.block(),
    lines.delta(id),
    lines.text(id, id),
  ];

  it("have an answer of their own, which ends no turn", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init(), lines.echo(), lines.result());
    push(protocol, lines.taskNews("Done."), lines.init());
    prompt(protocol, "turn-2");
    const steps = push(protocol, ...answer("news"), lines.result());
    expect(types(steps)).toEqual(["(message.delta)", "(message.completed)"]);
    const own = push(protocol, lines.init(), lines.echo(), ...answer("own"), lines.result());
    expect(types(own)).toEqual(["message.delta", "message.completed", "turn.completed"]);
  });

  it("hold back what may be theirs until it is certain", () => {
    const protocol = readyProtocol();
    push(protocol, lines.taskNews("Done."));
    prompt(protocol);
    const open = push(protocol, lines.init(), lines.start("m1"), lines.block(), lines.delta("He"));
    expect(types(open)).toEqual(["session.started"]);
    // The news went to the model together with the prompt.
    const echoed = push(
      protocol,
      lines.echo(),
      lines.delta("llo"),
      lines.text("m1", "Hello"),
      lines.result(),
    );
    expect(types(echoed)).toEqual(["message.delta", "message.delta", "message.completed", "turn.completed"]);
  });

  it("add nothing to the requests that are counted for the turn", () => {
    const protocol = readyProtocol();
    push(protocol, lines.taskNews("Done."));
    prompt(protocol);
    const news = push(protocol, lines.init(), ...answer("news"), lines.result());
    expect(types(news)).toEqual(["session.started", "(message.delta)", "(message.completed)"]);
    const own = push(protocol, lines.init(), lines.echo(), ...answer("own"), lines.result());
    expect(own.at(-1)!.events).toMatchObject([{ type: "turn.completed", numTurns: 1 }]);
  });

  it("do not keep a tool of theirs from being asked for", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    push(protocol, lines.taskNews("Done."));
    prompt(protocol);
    push(protocol, lines.init(), lines.tool("m1", "call-1"));
    const step = protocol.push(
      lines.request("r1", { subtype: "can_use_tool", tool_name: "Bash", input: {}, tool_use_id: "call-1" }),
    );
    expect(types([step])).toEqual(["(permission.requested)"]);
  });

  it("of which the model hears within a turn hold nothing back in the next one", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init(), lines.echo(), lines.taskNews("Done."), lines.start("m1"), lines.result());
    prompt(protocol, "turn-2");
    expect(types(push(protocol, lines.init(), lines.start("m2"), lines.block(), lines.delta("x")))).toEqual([
      "message.delta",
    ]);
  });

  it("have an interrupt that hit their answer repeated", () => {
    const protocol = readyProtocol();
    push(protocol, lines.taskNews("Done."), lines.init());
    prompt(protocol);
    expect(written(protocol.interrupt())).toMatchObject([{ request: { subtype: "interrupt" } }]);
    const steps = push(protocol, lines.aborted(), lines.init());
    expect(written(...steps)).toMatchObject([{ request: { subtype: "interrupt" } }]);
    // Once is enough.
    expect(written(protocol.push(lines.init()))).toEqual([]);
    expect(types(push(protocol, lines.echo(), lines.aborted()))).toEqual(["turn.interrupted"]);
  });

  it("that end while the turn runs are told in it", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init(), lines.echo());
    expect(types(push(protocol, lines.taskNews("Done.")))).toEqual(["agent.notice"]);
  });

  it("whose call is still open are told by its result", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init(), lines.tool("m1", "call-1", "Agent", {}));
    const news = lines.system("task_notification", { tool_use_id: "call-1", summary: "Done." });
    expect(types(push(protocol, news))).toEqual([]);
  });
});

describe("usage", () => {
  const result = (input: number, cost: number, more: object = {}): string =>
    lines.result({
      total_cost_usd: cost,
      modelUsage: { one: { inputTokens: input, contextWindow: 200 } },
      ...more,
    });

  it("is the growth since the last turn, and starts from nothing in a new process", () => {
    const protocol = readyProtocol();
    const turn = (input: number, cost: number): unknown => {
      prompt(protocol);
      return push(protocol, lines.init(), lines.echo(), result(input, cost)).at(-1)!.events!.at(-1);
    };
    expect(turn(100, 0.1)).toMatchObject({ usage: { inputTokens: 100 }, costUsd: 0.1 });
    expect(turn(150, 0.3)).toMatchObject({ usage: { inputTokens: 50 }, costUsd: 0.2 });
    protocol.end({ code: 0, signal: null, stderr: "" });
    protocol.open({ resume: { nativeSessionId: sessionId, fork: false } });
    protocol.push(lines.ready());
    expect(turn(30, 0.05)).toMatchObject({ usage: { inputTokens: 30 }, costUsd: 0.05 });
  });

  it("of an answer between turns goes to the next one", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init(), lines.echo(), result(100, 0.1));
    push(protocol, lines.taskNews("Done."), lines.init(), result(120, 0.15));
    prompt(protocol, "turn-2");
    const step = push(protocol, lines.init(), lines.echo(), result(200, 0.4)).at(-1)!;
    expect(step.events!.at(-1)).toMatchObject({ usage: { inputTokens: 100 }, costUsd: 0.3 });
  });

  it("is that of the last request where the CLI does not tell by model", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    const [step] = push(protocol, lines.result({ usage: { input_tokens: 3, output_tokens: 4 } }));
    expect(step!.events).toMatchObject([{ usage: { inputTokens: 3, outputTokens: 4 } }]);
  });

  it("tells the size of the context window", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    const [step] = push(protocol, result(1, 0));
    expect(step!.events![0]).toMatchObject({ type: "usage.updated", contextWindow: 200 });
  });
});
