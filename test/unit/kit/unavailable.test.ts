import { SandboxAgentError } from "playpen";
import { hasLabels, sandboxNotFound, unavailable } from "playpen/kit";
import { describe, expect, it } from "vitest";

describe("unavailable", () => {
  const remedies = { credential: "Set MY_TOKEN.", other: "Look at the options." };

  it("tells the reason without the remedy, which is told by itself", () => {
    const error = new SandboxAgentError("provider_failed", "The service has an accident.", {
      details: { provider: "mine" },
      remedy: "Try again later.",
    });
    expect(unavailable(error, remedies)).toEqual({
      available: false,
      reason: "The service has an accident.",
      remedy: "Try again later.",
    });
  });

  it("knows better what to do about a credential that was refused", () => {
    const error = new SandboxAgentError("provider_authentication_failed", "No.", {
      details: { provider: "mine", variables: ["MY_TOKEN"] },
      remedy: "Set one of them.",
    });
    expect(unavailable(error, remedies)).toMatchObject({ reason: "No.", remedy: "Set MY_TOKEN." });
    expect(unavailable(error, { other: "" })).toMatchObject({ remedy: "Set one of them." });
  });

  it("takes any error", () => {
    expect(unavailable(new TypeError("What?"), remedies)).toEqual({
      available: false,
      reason: "TypeError: What?",
      remedy: "Look at the options.",
    });
  });
});

describe("hasLabels", () => {
  it("wants all that the filter names, and nothing else", () => {
    const labels = { team: "a", kind: "" };
    expect(hasLabels(labels)).toBe(true);
    expect(hasLabels(labels, { team: "a" })).toBe(true);
    expect(hasLabels(labels, { kind: "" })).toBe(true);
    expect(hasLabels(labels, { team: "a", kind: "b" })).toBe(false);
    expect(hasLabels(labels, { other: "a" })).toBe(false);
  });
});

describe("sandboxNotFound", () => {
  it("names the sandbox as users do", () => {
    const error = sandboxNotFound("mine", "7", "It has ended.");
    expect(error).toMatchObject({ code: "sandbox_not_found", details: { id: "7" } });
    expect(error.reason).toBe("No sandbox mine/7. It has ended.");
  });
});
