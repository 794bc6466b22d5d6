import { describe, expect, it } from "vitest";
import { amp } from "../../../../backends/amp/index.ts";
import { exited, lines, play, protocolInput, running, text, threadId, usage } from "./lines.ts";

describe("a turn that fails", () => {
  it.each([
    ["Rate limit exceeded", { code: "rate_limited", retryable: true }],
    ["529 overloaded", { code: "model_overloaded", status: 529 }],
    ["prompt is too long", { code: "context_too_long", retryable: false }],
    ["You are out of credits", { code: "budget_exceeded", retryable: false }],
    ["something else", { code: "agent_error", message: "something else" }],
    ["", { code: "agent_error", message: "Amp failed and gave no reason." }],
  ])("with %j says so", (said, error) => {
    const events = play(running(), lines.said([text("a")], { usage: usage(4, 1) }), lines.failure(said));
    expect(events.at(-1)).toMatchObject({ type: "turn.failed", error, usage: { inputTokens: 4 } });
  });

  it("is recognized by its mark, whatever its kind is", () => {
    const events = play(running(), lines.success("boom", { is_error: true }));
    expect(events).toMatchObject([{ type: "turn.failed", error: { message: "boom" } }]);
  });

  it("is none where the rounds have run out", () => {
    expect(play(running(), lines.failure("limit", "error_max_turns"))).toMatchObject([
      { type: "turn.completed", stopReason: "max_turns" },
    ]);
  });
});

describe("a process that ends without a result", () => {
  // As the real CLI says it.
  it.each([
    [
      "Error: Invalid or missing API key. Run 'amp login' to authenticate.\n",
      { code: "authentication_failed", retryable: false },
    ],
    [
      "Error: Couldn't connect to the Amp server at http://127.0.0.1:9.\n\nRun `pnpm dev` to start the local server, then try again.\n",
      { code: "network_error", message: "Couldn't connect to the Amp server at http://127.0.0.1:9" },
    ],
    ["Error: Cannot reach Amp servers. Are you offline?\n", { code: "network_error", retryable: true }],
    [
      "Error: TypeError: The socket connection was closed unexpectedly. For more information, pass `verbose: true`",
      { code: "network_error" },
    ],
    ["Error: error: unknown option '--nope'\n", { code: "agent_exited" }],
    ["", { code: "agent_exited", message: "Amp ended in the middle of the turn, with exit code 1." }],
  ])("after %j fails the turn", (stderr, error) => {
    const { events } = exited(running(), stderr);
    expect(events).toMatchObject([{ type: "turn.failed", error: { exitCode: 1, ...error } }]);
  });

  it("tells the usage so far", () => {
    const protocol = running();
    play(protocol, lines.said([text("a")], { usage: usage(4, 1) }));
    expect(exited(protocol, "", null).events).toMatchObject([
      { type: "turn.failed", error: { code: "agent_exited", signal: "SIGKILL" }, usage: { inputTokens: 4 } },
    ]);
  });

  it("was interrupted where the host asked for that", () => {
    const protocol = running();
    expect(protocol.interrupt()).toEqual({});
    expect(exited(protocol, "", null).events).toEqual([{ type: "turn.interrupted", by: "host" }]);
    expect(exited(protocol)).toEqual({});
  });

  it("is still completed where the result came first", () => {
    const protocol = running();
    protocol.interrupt();
    expect(play(protocol, lines.success())).toMatchObject([{ type: "turn.completed" }]);
  });

  it("was interrupted where an error came of it", () => {
    const protocol = running();
    protocol.interrupt();
    expect(play(protocol, lines.failure("aborted"))).toEqual([{ type: "turn.interrupted", by: "host" }]);
  });
});

describe("a thread that is not there", () => {
  it.each([
    "Error: Thread not found",
    `Error: thread ${threadId} does not exist`,
    "Error: invalid thread ID",
  ])("is told as lost after %j", (stderr) => {
    const protocol = amp().protocol(protocolInput);
    protocol.open({ resume: { nativeSessionId: threadId, fork: false } });
    protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text: "Hello" }] });
    expect(exited(protocol, stderr)).toMatchObject({
      resumeLost: true,
      events: [{ type: "turn.failed" }],
    });
  });

  it("is no reason where none was to be continued", () => {
    expect(exited(running(), "Error: Thread not found").resumeLost).toBeUndefined();
  });
});
