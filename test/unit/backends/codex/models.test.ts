import { describe, expect, it } from "vitest";
import { codex, type CodexOptions } from "../../../../backends/codex/index.ts";
import { listedModels } from "../../../../backends/codex/models.ts";

describe("the list of models", () => {
  it("is read from the CLI's", () => {
    const data = [
      { id: "one", model: "gpt-one", displayName: "One", isDefault: true },
      { id: "gpt-two", isDefault: false },
      { displayName: "nameless" },
      "nonsense",
    ];
    expect(listedModels({ data })).toEqual([
      { id: "gpt-one", name: "One", isDefault: true },
      { id: "gpt-two" },
    ]);
    expect(listedModels(undefined)).toEqual([]);
  });

  it("is documented where the CLI cannot be asked", () => {
    const { capabilities, documentedModels } = codex({ mode: "turn" });
    expect(capabilities.models).toBe("documented");
    expect(documentedModels?.filter(({ isDefault }) => isDefault === true)).toHaveLength(1);
    expect(codex().capabilities.models).toBe("cli");
  });
});

describe("a model that the CLI cannot know", () => {
  const problem = (model: string, options: CodexOptions = {}, env = {}): string | undefined =>
    codex(options).modelProblem?.(model, env);

  it.each(["claude-sonnet-4-5", "anthropic/claude-opus", "sonnet", "opus[1m]", "gemini-2.5-pro", "grok-4"])(
    "is refused: %s",
    (model) => {
      expect(problem(model)).toMatch(/ which OpenAI's API does not serve\. .*"baseUrl"/);
    },
  );

  it.each(["gpt-6.1-sol", "o3", "codex-mini-latest", "my-model", "gpt-oss:20b", "opusculum", "ft:gpt-4:x"])(
    "is no other vendor's for sure: %s",
    (model) => {
      expect(problem(model)).toBeUndefined();
    },
  );

  it("may be known elsewhere", () => {
    expect(problem("claude-x", { baseUrl: "http://127.0.0.1:1/v1" })).toBeUndefined();
    expect(problem("claude-x", { config: { model_provider: "mine" } })).toBeUndefined();
    expect(problem("claude-x", { config: { "model_providers.playpen.base_url": "x" } })).toBeUndefined();
    expect(problem("claude-x", { extraArgs: ["--oss"] })).toBeUndefined();
    expect(problem("claude-x", { extraArgs: ["-c", 'model_provider="mine"'] })).toBeUndefined();
    expect(problem("claude-x", { config: { a: 1 }, extraArgs: ["--strict-config"] })).toBeDefined();
  });

  it("is refused with a word on the variable that the CLI does not read", () => {
    expect(problem("claude-x", {}, { OPENAI_BASE_URL: "http://127.0.0.1:1" })).toContain("OPENAI_BASE_URL");
  });
});
