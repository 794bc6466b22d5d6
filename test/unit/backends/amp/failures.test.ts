import { describe, expect, it } from "vitest";
import { amp } from "../../../../backends/amp/index.ts";
import { exited, lines, play, protocolInput, running, text, threadId, usage } from "./lines.ts";

describe("a turn that fails", () => {
  it.each([
    ["Rate limit exceeded", { code: "rate_limited", retryable: true }],
    ["529 overloaded", { code: "model_overloaded", status: 529 }],
    ["prompt is too long", { code: "context_too_long", retryable: false }],
    // The titles that the CLI gives its errors.
    ["Out of Credits Add credits to keep using Amp.", { code: "budget_exceeded", retryable: false }],
    ["Low Credit Balance", { code: "budget_exceeded", retryable: false }],
    ["Unauthorized", { code: "authentication_failed", retryable: false }],
    [
      "Network Error Cannot reach Amp servers. Check your internet connection and try again.",
      { code: "network_error", retryable: true },
    ],
    [
      "Model Stream Timed Out The model stopped sending data before finishing. Try again in a few seconds.",
      { code: "model_error", retryable: true },
    ],
    ["Model Provider Overloaded Try again in a few seconds.", { code: "model_overloaded", retryable: true }],
    ["Rate Limit Hit Rate limit exceeded.", { code: "rate_limited", retryable: true }],
    [
      "The following tools require user approval, which is not supported in stream JSON mode: Bash",
      { code: "agent_error" },
    ],
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
    [
      "Error: Amp server returned an error. Try again in a moment.\n",
      { code: "model_error", retryable: true },
    ],
    ["Error: getUserInfo error: out-of-credits\n", { code: "budget_exceeded", retryable: false }],
    ["Error: Access token expired. Run 'amp login' to refresh.\n", { code: "authentication_failed" }],
    [
      "Error: Authenticated, but your account is not authorized to perform this action.\n",
      { code: "authentication_failed" },
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
    expect(play(protocol, lines.failure("User cancelled (SIGINT/SIGTERM)"))).toEqual([
      { type: "turn.interrupted", by: "host" },
    ]);
  });
});

describe("a thread that is not there", () => {
  it.each([
    // As the real CLI says it.
    `Thread https://ampcode.example.com/threads/${threadId} does not exist.\n`,
    `Error: Thread ${threadId} not found or you don't have access. Verify the ID.\n`,
    "Error: Invalid thread URL or ID: nonsense\n\nProvide a valid thread URL",
  ])("is told as lost after %j", (stderr) => {
    const protocol = amp().protocol(protocolInput);
    protocol.open({ resume: { nativeSessionId: threadId, fork: false } });
    protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text: "Hello" }] });
    expect(exited(protocol, stderr)).toMatchObject({
      resumeLost: true,
      events: [{ type: "turn.failed" }],
    });
  });

  it("is not told as lost when something else went wrong", () => {
    const protocol = amp().protocol(protocolInput);
    protocol.open({ resume: { nativeSessionId: threadId, fork: false } });
    protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text: "Hello" }] });
    expect(exited(protocol, "Error: Cannot reach Amp servers. Are you offline?").resumeLost).toBeUndefined();
  });

  it("is no reason where none was to be continued", () => {
    expect(exited(running(), "Error: Thread not found").resumeLost).toBeUndefined();
  });
});
