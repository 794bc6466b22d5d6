import { describe, expect, it } from "vitest";
import { retrying, turnError } from "../../../../backends/codex/errors.ts";

describe("turnError", () => {
  it.each([
    [{ message: "m", codexErrorInfo: "contextWindowExceeded" }, "context_too_long", false],
    [{ message: "m", codexErrorInfo: "usageLimitExceeded" }, "rate_limited", false],
    [{ message: "m", codexErrorInfo: "rateLimitExceeded" }, "rate_limited", true],
    [{ message: "m", codexErrorInfo: "serverOverloaded" }, "model_overloaded", true],
    [{ message: "m", codexErrorInfo: "modelNotFound" }, "model_not_found", false],
    [{ message: "m", codexErrorInfo: "unauthorized" }, "authentication_failed", false],
    [{ message: "m", codexErrorInfo: "sessionBudgetExceeded" }, "budget_exceeded", false],
    [
      { message: "m", codexErrorInfo: { httpConnectionFailed: { httpStatusCode: 502 } } },
      "model_error",
      true,
    ],
    [
      { message: "m", codexErrorInfo: { httpConnectionFailed: { httpStatusCode: 529 } } },
      "model_overloaded",
      true,
    ],
    [
      {
        message: "Connection failed: error sending request",
        codexErrorInfo: { httpConnectionFailed: { httpStatusCode: null } },
      },
      "network_error",
      true,
    ],
    [{ message: "unexpected status 403 Forbidden: no" }, "authentication_failed", false],
    [{ message: "Quota exceeded. Check your plan and billing details." }, "rate_limited", false],
    [{ message: "Codex ran out of room in the model's context window." }, "context_too_long", false],
    [{ message: "What is this?" }, "agent_error", false],
    [{ message: "m", codexErrorInfo: "toString" }, "agent_error", false],
    [undefined, "agent_error", false],
    ["text", "agent_error", false],
  ])("%j is %s", (error, code, retryable) => {
    expect(turnError(error)).toMatchObject({ code, retryable });
  });

  it("takes the words out of an answer of the API, and adds the details", () => {
    expect(turnError({ message: '{"error":{"message":"bad request"}}' }).message).toBe("bad request");
    expect(turnError({ message: "{broken" }).message).toBe("{broken");
    expect(turnError({ message: "a", additionalDetails: "b" }).message).toBe("a (b)");
  });

  it("does not take a stream that broke off for an answer with its status", () => {
    const error = {
      message: "Reconnecting... 1/5",
      codexErrorInfo: { responseStreamDisconnected: { httpStatusCode: 200 } },
    };
    expect(turnError(error)).not.toHaveProperty("status");
  });
});

describe("retrying", () => {
  it("reads the count and the reason", () => {
    expect(
      retrying({ message: "Reconnecting... 2/5", additionalDetails: "rate limit exceeded: slow down" }, 9),
    ).toEqual({
      type: "agent.retrying",
      attempt: 2,
      maxAttempts: 5,
      reason: "rate_limit",
      message: "rate limit exceeded: slow down",
    });
  });

  it("counts by itself where Codex gives no number", () => {
    const error = {
      message: "Reconnecting... waiting for network",
      additionalDetails: "Connection failed: error sending request",
    };
    expect(retrying(error, 3)).toMatchObject({ attempt: 3, reason: "network" });
    expect(retrying(error, 3)).not.toHaveProperty("maxAttempts");
  });
});
