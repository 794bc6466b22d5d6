import { describe, expect, it } from "vitest";
import { errorText } from "../../../src/errors/error-text.ts";
import { remedies } from "../../../src/errors/remedies.ts";
import { SandboxAgentError } from "../../../src/errors/sandbox-agent-error.ts";

const cause = new Error("connect ECONNREFUSED");
const error = new SandboxAgentError("sandbox_lost", "The sandbox memory/1 is gone.", {
  details: { id: "1" },
  cause,
});

describe("SandboxAgentError", () => {
  it("says what failed and what to do, and keeps both apart", () => {
    expect(error.message).toBe(`The sandbox memory/1 is gone.\n${remedies.sandbox_lost}`);
    expect(error).toMatchObject({
      name: "SandboxAgentError",
      code: "sandbox_lost",
      reason: "The sandbox memory/1 is gone.",
      remedy: remedies.sandbox_lost,
      details: { id: "1" },
      result: undefined,
    });
    expect(error.cause).toBe(cause);
    const own = new SandboxAgentError("unsupported", "No.", {
      details: { subject: "a", feature: "b" },
      remedy: "Wait.",
    });
    expect(own.message).toBe("No.\nWait.");
    expect("cause" in own).toBe(true);
  });

  it("is recognized across copies of the library, by code, and nothing else is", () => {
    expect(SandboxAgentError.is(error)).toBe(true);
    expect(SandboxAgentError.is(error, "sandbox_lost")).toBe(true);
    expect(SandboxAgentError.is(error, "session_closed")).toBe(false);
    const copy = Object.assign(new Error("x"), { code: "sandbox_lost", details: { id: "1" } });
    expect(SandboxAgentError.is(copy)).toBe(false);
    Object.defineProperty(copy, Symbol.for("playpen.SandboxAgentError"), { value: true });
    expect(SandboxAgentError.is(copy, "sandbox_lost")).toBe(true);
    for (const value of [null, undefined, "sandbox_lost", 5, Object.create(null)]) {
      expect(SandboxAgentError.is(value)).toBe(false);
    }
  });

  it("becomes JSON with its facts, and a string with its words", () => {
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: "SandboxAgentError",
      code: "sandbox_lost",
      details: { id: "1" },
      reason: "The sandbox memory/1 is gone.",
      remedy: remedies.sandbox_lost,
    });
    expect(String(error)).toBe(`SandboxAgentError: ${error.message}`);
  });

  it("has a remedy for every code, in whole sentences", () => {
    for (const remedy of Object.values(remedies)) expect(remedy).toMatch(/^[A-Z].*\.$/s);
  });
});

describe("errorText", () => {
  it("gives words for whatever was thrown", () => {
    const hostile = new Error("x");
    Object.defineProperty(hostile, "message", {
      get() {
        throw new Error("no");
      },
    });
    expect([new Error("a"), "b", 5, null, undefined, Symbol("c")].map(errorText)).toEqual([
      "a",
      "b",
      "5",
      "null",
      "undefined",
      "Symbol(c)",
    ]);
    expect(errorText(Object.create(null))).toBe("a value that cannot be shown");
    expect(errorText(hostile)).toBe("a value that cannot be shown");
  });
});
