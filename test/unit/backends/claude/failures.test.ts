import { describe, expect, it } from "vitest";
import { assistant, lines, prompt, push, readyProtocol } from "./lines.ts";

interface Case {
  readonly result: string;
  readonly status?: number;
  readonly error?: string;
  readonly reason?: string;
}

function failure({ result, status, error = "unknown", reason = "completed" }: Case): unknown {
  const protocol = readyProtocol();
  prompt(protocol);
  const spoken = assistant("m1", [{ type: "text", text: result }], {
    error,
    message: { id: "m1", model: "<synthetic>", content: [] },
  });
  const end = lines.result({
    is_error: true,
    result,
    api_error_status: status ?? null,
    terminal_reason: reason,
    stop_reason: "stop_sequence",
  });
  return push(protocol, lines.init(), spoken, end).at(-1)!.events!.at(-1);
}

describe("an error of the model's API", () => {
  it.each<readonly [string, boolean, Case]>([
    [
      "authentication_failed",
      false,
      { result: "Not logged in · Please run /login", error: "authentication_failed" },
    ],
    ["authentication_failed", false, { result: "Invalid API key", status: 401 }],
    ["rate_limited", true, { result: "API Error: Rate limit reached" }],
    ["rate_limited", true, { result: "Slow down", error: "rate_limit" }],
    ["model_overloaded", true, { result: "API Error: Overloaded" }],
    ["model_overloaded", true, { result: "Busy", status: 503 }],
    ["model_not_found", false, { result: "No such model", error: "model_not_found" }],
    ["model_error", true, { result: "Bad gateway", status: 502 }],
    ["model_error", true, { result: "API Error: Internal server error" }],
    ["model_error", true, { result: "Something", error: "server_error" }],
    [
      "network_error",
      true,
      { result: "API Error: Unable to connect to API (ConnectionRefused)", error: "server_error" },
    ],
    ["network_error", true, { result: "API Error: Request timed out", error: "unknown" }],
    ["context_too_long", false, { result: "Prompt is too long", status: 400 }],
    ["context_too_long", false, { result: "Whatever", status: 400, reason: "prompt_too_long" }],
    [
      "context_too_long",
      false,
      { result: "Request too large (max 32MB).", status: 413, reason: "image_error" },
    ],
    ["agent_error", false, { result: "Credit balance is too low", status: 400, error: "billing_error" }],
    ["agent_error", false, { result: "API Error: 400 weird", status: 400 }],
  ])("is %s (retryable: %s) for %j", (code, retryable, given) => {
    expect(failure(given)).toMatchObject({
      type: "turn.failed",
      error: {
        code,
        retryable,
        message: given.result,
        ...(given.status === undefined ? {} : { status: given.status }),
      },
    });
  });

  it("is an interruption where the host had asked for that", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    push(protocol, lines.init(), lines.echo());
    protocol.interrupt();
    const [step] = push(protocol, lines.result({ is_error: true, result: "API Error" }));
    expect(step!.events).toMatchObject([{ type: "turn.interrupted", by: "host" }]);
  });
});
