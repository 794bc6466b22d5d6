import { describe, expect, it } from "vitest";
import { exitedFailure, lastErrorLine, modelFailure, retryReasonOf } from "../../../src/kit.ts";

describe("modelFailure", () => {
  it.each([
    [401, "Unauthorized", "authentication_failed", false],
    [403, "", "authentication_failed", false],
    [404, "The model `x` does not exist", "model_not_found", false],
    [400, "This model's maximum context length is 8192 tokens", "context_too_long", false],
    [413, "", "context_too_long", false],
    [400, "Bad request", "agent_error", false],
    [429, "Slow down", "rate_limited", true],
    [500, "Oops", "model_error", true],
    [503, "", "model_overloaded", true],
    [529, "Overloaded", "model_overloaded", true],
    [undefined, "Rate limit reached for requests", "rate_limited", true],
    [undefined, "API key not valid: invalid API key", "authentication_failed", false],
    [undefined, "TypeError: fetch failed", "network_error", true],
    [undefined, "connect ECONNREFUSED 127.0.0.1:9", "network_error", true],
    [undefined, "prompt is too long: 250000 tokens", "context_too_long", false],
    [undefined, "The model is overloaded", "model_overloaded", true],
    [undefined, "Unknown model: gpt-0", "model_not_found", false],
    [undefined, "Bad Gateway", "model_error", true],
    [undefined, "server_error", "model_error", true],
    [undefined, "Input exceeds the maximum length of 1048576 characters.", "context_too_long", false],
    [undefined, "Request exceeds the model's prompt budget (236823 tokens)", "context_too_long", false],
    [undefined, "error decoding response body: error reading a body", "network_error", true],
    [undefined, "stream disconnected before completion", "network_error", true],
    [undefined, "It did not feel like it", "agent_error", false],
  ] as const)("reads status %s with %j as %s", (status, message, code, retryable) => {
    const failure = modelFailure(message, status);
    expect(failure).toEqual({ code, message, retryable, ...(status === undefined ? {} : { status }) });
  });

  it.each([
    ["429 Too Many Requests", 429],
    ["Error: 500 Internal Server Error", 500],
    ["API Error (status 503): overloaded", 503],
    ["Request failed with status code 401", 401],
    ["HTTP 404: no such model", 404],
    ["API Error: Request rejected (429) · slow down", 429],
    ["The file has 500 lines", undefined],
    ["port 4040 is taken", undefined],
  ])("finds the status in %j", (message, status) => {
    expect(modelFailure(message).status).toBe(status);
  });

  it("gives the reason of a retry", () => {
    expect(retryReasonOf(modelFailure("", 429))).toBe("rate_limit");
    expect(retryReasonOf(modelFailure("", 500))).toBe("server");
    expect(retryReasonOf(modelFailure("", 400))).toBe("other");
  });
});

describe("exitedFailure", () => {
  it("tells how the process ended, and what it said last", () => {
    expect(exitedFailure("Codex", { code: 7, signal: null, stderr: "note\nError: no disk.\nat x" })).toEqual({
      code: "agent_exited",
      message: "Codex ended in the middle of the turn, with exit code 7: Error: no disk.",
      retryable: true,
      exitCode: 7,
      stderr: "note\nError: no disk.\nat x",
    });
    expect(exitedFailure("Codex", { code: null, signal: "SIGKILL", stderr: "" })).toEqual({
      code: "agent_exited",
      message: "Codex ended in the middle of the turn, by SIGKILL.",
      retryable: true,
      signal: "SIGKILL",
    });
  });

  it("finds the line that says what is wrong", () => {
    expect(lastErrorLine("one\ntwo.\n")).toBe("two");
    expect(lastErrorLine("TypeError: x is not a function\n    at y")).toBe("TypeError: x is not a function");
    expect(lastErrorLine("")).toBe("");
  });
});
