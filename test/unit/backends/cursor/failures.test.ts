import { describe, expect, it } from "vitest";
import { exited, lines, play, resuming, running } from "./lines.ts";

describe("a turn that fails", () => {
  it.each([
    ["Rate limit exceeded", { code: "rate_limited", retryable: true }],
    ["You've hit your usage limit", { code: "budget_exceeded", retryable: false }],
    ["boom", { code: "agent_error", message: "boom" }],
    ["", { code: "agent_error", message: "Cursor failed and gave no reason." }],
  ])("with %j says so", (result, error) => {
    const failed = { subtype: "error", is_error: true, result };
    expect(play(running(), lines.piece("a"), lines.success(failed))).toMatchObject([
      { type: "message.delta" },
      { type: "message.completed" },
      { type: "turn.failed", error },
    ]);
  });
});

describe("a process that ends without a result", () => {
  it.each([
    [
      "Error: Authentication required. Please run 'agent login' first, or set CURSOR_API_KEY environment variable.",
      { code: "authentication_failed", retryable: false },
    ],
    [
      "Error: Authentication required. Run 'agent login', pass --api-key/--auth-token, or set CURSOR_API_KEY/CURSOR_AUTH_TOKEN.",
      { code: "authentication_failed" },
    ],
    ["⚠ Warning: The provided API key is invalid.", { code: "authentication_failed" }],
    ["Cannot use this model: bad-model. Available models: auto", { code: "model_not_found" }],
    ["ConnectError: [unavailable] connect ECONNREFUSED", { code: "network_error", retryable: true }],
    ["⚠ Workspace Trust Required", { code: "agent_exited" }],
    ["", { code: "agent_exited", message: "Cursor ended in the middle of the turn, with exit code 1." }],
  ])("after %j fails the turn", (stderr, error) => {
    expect(exited(running(), stderr).events).toMatchObject([
      { type: "turn.failed", error: { exitCode: 1, ...error } },
    ]);
  });

  it("is not judged by the events that it printed to standard error as well", () => {
    const stderr = `${lines.whole("429 Too Many Requests: chat not found")}\nRetriableError: [unavailable] connect ECONNREFUSED\n`;
    expect(exited(running(), stderr).events).toMatchObject([
      { type: "turn.failed", error: { code: "network_error" } },
    ]);
    const onlyEvents = exited(resuming(), lines.whole("429 Too Many Requests: chat not found"));
    expect(onlyEvents).toMatchObject({
      events: [
        {
          type: "turn.failed",
          error: {
            code: "agent_exited",
            message: "Cursor ended in the middle of the turn, with exit code 1.",
          },
        },
      ],
    });
    expect(onlyEvents.resumeLost).toBeUndefined();
  });

  it("was interrupted where the host asked for that, with its text ended", () => {
    const protocol = running();
    play(protocol, lines.piece("Hel"));
    expect(protocol.interrupt()).toEqual({});
    expect(exited(protocol, "", null).events).toEqual([
      { type: "message.completed", messageId: "message-1", text: "Hel" },
      { type: "turn.interrupted", by: "host" },
    ]);
    expect(exited(protocol)).toEqual({});
  });

  it("is still completed where the result came first", () => {
    const protocol = running();
    protocol.interrupt();
    expect(play(protocol, lines.success())).toMatchObject([{ type: "turn.completed" }]);
  });

  it("has lost its chat where the CLI says so", () => {
    expect(exited(resuming(), "Error: Chat abc not found").resumeLost).toBe(true);
    expect(exited(running(), "Error: Chat abc not found").resumeLost).toBeUndefined();
  });
});
