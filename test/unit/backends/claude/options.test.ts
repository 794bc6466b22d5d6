import { describe, expect, it } from "vitest";
import { claude } from "../../../../backends/claude/index.ts";

const wrong =
  (options: object): (() => unknown) =>
  () =>
    claude(options);

describe("claude()", () => {
  it("needs no options, and does no more than describe", () => {
    expect(claude()).toMatchObject({
      name: "claude",
      mode: "session",
      install: true,
      cli: { command: "claude", package: "@anthropic-ai/claude-code" },
    });
    expect(claude()).not.toHaveProperty("model");
    expect(claude()).not.toHaveProperty("command");
  });

  it("takes its options over", () => {
    expect(claude({ mode: "turn", model: "sonnet", command: "x", install: false })).toMatchObject({
      mode: "turn",
      model: "sonnet",
      command: ["x"],
      install: false,
    });
  });

  it.each<readonly [object, RegExp]>([
    [{ modle: "sonnet" }, /unknown option "modle"\. Did you mean "model"\?/],
    [{ model: "" }, /"model" must be a non-empty string/],
    [{ baseUrl: "example.com" }, /"baseUrl" must be an address/],
    [{ mode: "forever" }, /"mode" must be one of "session", "turn"/],
    [{ permissionMode: "yolo" }, /"permissionMode" must be one of/],
    [{ maxTurns: 0 }, /"maxTurns" must be a whole number above 0/],
    [{ maxBudgetUsd: -1 }, /"maxBudgetUsd" must be a number above 0/],
    [{ maxThinkingTokens: -1 }, /"maxThinkingTokens" must be a whole number, 0 or above/],
    [{ allowedTools: "Bash" }, /"allowedTools" must be an array of rules/],
    [{ disallowedTools: [""] }, /"disallowedTools" must be an array of rules/],
    [{ settings: [] }, /"settings" must be an object/],
    [{ settingSources: ["team"] }, /"settingSources" must be an array of "user", "project" and "local"/],
    [{ fallbackModel: 1 }, /"fallbackModel" must be a non-empty string/],
  ])("refuses %j", (options, message) => {
    expect(wrong(options)).toThrow(TypeError);
    expect(wrong(options)).toThrow(message);
  });

  it("refuses a key that cannot be sent, without repeating it", () => {
    for (const apiKey of ["", "sk secret", "sk-secret\n", "sk-sécret"]) {
      expect(wrong({ apiKey })).toThrow(/option "apiKey" must be a key of printable ASCII characters/);
      expect(wrong({ apiKey })).not.toThrow(/secret|sécret/);
    }
  });

  it.each([
    "--output-format",
    "--output-format=json",
    "--input-format",
    "-p",
    "--print",
    "--resume",
    "-c",
    "--session-id=x",
    "--no-session-persistence",
    "--permission-prompt-tool",
    "--dangerously-skip-permissions",
    "--setting-sources=project",
    "--mcp-config",
    "--worktree",
    "--bg",
    "--help",
    "--",
  ])("refuses the argument %s, which would break the protocol", (argument) => {
    expect(wrong({ extraArgs: ["--effort", "low", argument] })).toThrow(/option "extraArgs" may not hold/);
  });

  it("takes arguments that break nothing", () => {
    expect(() => claude({ extraArgs: ["--effort", "low", "--add-dir=/data"] })).not.toThrow();
  });
});
