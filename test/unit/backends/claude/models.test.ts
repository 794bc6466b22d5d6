import { describe, expect, it } from "vitest";
import { claude, type ClaudeOptions } from "../../../../backends/claude/index.ts";
import { ModelList } from "../../../../backends/claude/models.ts";
import { json, lines, prompt, protocolInput, push } from "./lines.ts";

const models = [
  {
    value: "default",
    resolvedModel: "claude-big-1",
    displayName: "Default",
    supportsEffort: true,
    supportedEffortLevels: ["low", "high"],
  },
  { value: "small", resolvedModel: "claude-small-1" },
  { displayName: "nameless" },
  "nonsense",
];
const ready = json({
  type: "control_response",
  response: { subtype: "success", request_id: "initialize", response: { models } },
});

describe("the list of models", () => {
  it("is what the CLI said when it started", () => {
    const protocol = claude().protocol(protocolInput);
    protocol.open({});
    push(protocol, ready);
    expect(protocol.request?.({ id: "host-1", type: "list_models" })).toEqual({
      responses: [
        { id: "host-1", models: [{ id: "default", name: "Default", isDefault: true }, { id: "small" }] },
      ],
    });
  });

  it("is documented where no process is there to be asked", () => {
    const { capabilities, documentedModels } = claude({ mode: "turn" });
    expect(capabilities).toMatchObject({ models: "documented", structuredOutput: "native" });
    expect(documentedModels?.filter(({ isDefault }) => isDefault === true)).toHaveLength(1);
    expect(claude().capabilities).toMatchObject({ models: "cli", structuredOutput: "prompted" });
  });
});

describe("a level of thinking", () => {
  it("is nothing to a model that has none, or not that one", () => {
    const list = new ModelList({ models });
    expect(list.thinkingProblem("claude-big-1", "low")).toBeUndefined();
    expect(list.thinkingProblem("claude-big-1", "max")).toContain("only the levels low, high");
    expect(list.thinkingProblem("claude-small-1", "low")).toContain("no levels of thinking");
    expect(list.thinkingProblem("another", "low")).toBeUndefined();
  });

  it("that has no effect is told once for each model", () => {
    const protocol = claude().protocol({ ...protocolInput, thinking: "max" });
    protocol.open({});
    push(protocol, ready);
    prompt(protocol);
    const notices = (model: string): unknown[] =>
      (protocol.push(lines.init({ model })).events ?? []).filter(({ type }) => type === "agent.notice");
    expect(notices("claude-small-1")).toMatchObject([{ level: "warning" }]);
    expect(notices("claude-small-1")).toEqual([]);
    expect(notices("claude-big-1")).toHaveLength(1);
    expect(notices("another")).toEqual([]);
  });
});

describe("a model that the CLI cannot know", () => {
  const problem = (model: string, options: ClaudeOptions = {}, env = {}): string | undefined => {
    const backend = claude(options);
    return backend.modelProblem?.(model, { ...backend.env, ...env });
  };

  it.each([
    "gpt-5",
    "openai/gpt-5",
    "o3",
    "o4-mini",
    "gemini-2.5-pro",
    "google/gemma-3",
    "grok-4",
    "qwen3-coder",
  ])("is refused: %s", (model) => {
    expect(problem(model)).toMatch(/ which Anthropic's API does not serve\. .*"baseUrl"/);
  });

  it.each([
    "sonnet",
    "opus[1m]",
    "claude-opus-4-8",
    "my-model",
    "opusplan",
    "o",
    "gptx",
    "anthropic/claude-x",
  ])("is no other vendor's for sure: %s", (model) => {
    expect(problem(model)).toBeUndefined();
  });

  it("may be known elsewhere", () => {
    expect(problem("gpt-5", { baseUrl: "http://127.0.0.1:1" })).toBeUndefined();
    expect(problem("gpt-5", {}, { ANTHROPIC_BASE_URL: "http://127.0.0.1:1" })).toBeUndefined();
    expect(problem("gpt-5", {}, { CLAUDE_CODE_USE_BEDROCK: "1" })).toBeUndefined();
    expect(problem("gpt-5", {}, { ANTHROPIC_VERTEX_BASE_URL: "http://127.0.0.1:1" })).toBeUndefined();
    const settings = { env: { ANTHROPIC_BASE_URL: "http://127.0.0.1:1" } };
    expect(problem("gpt-5", { settings })).toBeUndefined();
    expect(problem("gpt-5", {}, { ANTHROPIC_BASE_URL: "", ANTHROPIC_API_KEY: "x" })).toBeDefined();
  });
});
