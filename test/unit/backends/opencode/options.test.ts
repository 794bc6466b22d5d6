import { describe, expect, it } from "vitest";
import { opencode, type OpencodeOptions } from "../../../../backends/opencode/index.ts";

const made =
  (options: object): (() => unknown) =>
  () =>
    opencode(options);
const url = "http://localhost:1/v1";

describe("opencode()", () => {
  it("needs no options, and does no more than describe", () => {
    expect(opencode()).toMatchObject({
      name: "opencode",
      mode: "session",
      install: true,
      env: {},
      cli: { command: "opencode", package: "opencode-ai" },
    });
    expect(opencode()).not.toHaveProperty("model");
    expect(opencode()).not.toHaveProperty("command");
  });

  it("takes its options over", () => {
    const options: OpencodeOptions = {
      mode: "turn",
      model: "openai/gpt-5",
      command: ["node", "opencode.js"],
      install: false,
    };
    expect(opencode(options)).toMatchObject(options);
    expect(opencode({ command: "other" }).command).toEqual(["other"]);
  });

  it("can ask nobody in a process for each turn", () => {
    expect(opencode().capabilities).toMatchObject({
      permissions: ["allow-all", "deny-all", "ask"],
      questions: true,
      interrupt: "protocol",
      models: "cli",
    });
    expect(opencode({ mode: "turn" }).capabilities).toMatchObject({
      permissions: ["allow-all", "deny-all"],
      questions: false,
      updatedInput: false,
      interrupt: "signal",
      models: "none",
    });
  });

  it("tells costs where OpenCode knows the prices", () => {
    expect(opencode().capabilities.cost).toBe(true);
    expect(opencode({ baseUrl: url, model: "m" }).capabilities.cost).toBe(false);
  });

  it("knows how models are named, but not those of the caller's own address", () => {
    const problem = (model: string): string | undefined => opencode().modelProblem?.(model, {});
    expect(problem("anthropic/claude-sonnet-4-5")).toBeUndefined();
    expect(problem("openrouter/meta/llama")).toBeUndefined();
    expect(problem("sonnet")).toContain("by provider and model");
    expect(opencode({ baseUrl: url, model: "m" })).not.toHaveProperty("modelProblem");
  });
});

describe("the credential", () => {
  it("is one of any provider's", () => {
    const { anyOf, forwarded, secret } = opencode().credentials;
    expect(anyOf).toContainEqual(["ANTHROPIC_API_KEY"]);
    expect(anyOf).toContainEqual(["AZURE_RESOURCE_NAME", "AZURE_API_KEY"]);
    expect(forwarded).toContain("OPENAI_API_KEY");
    expect(forwarded).not.toContain("GITHUB_TOKEN");
    expect(secret).toContain("GITHUB_TOKEN");
    expect(secret).not.toContain("AZURE_RESOURCE_NAME");
  });

  it("is none for a server of one's own, for providers that are described, and for hosted models", () => {
    expect(opencode({ baseUrl: url, model: "m" }).credentials).toMatchObject({
      anyOf: [],
      forwarded: ["OPENAI_API_KEY"],
    });
    expect(opencode({ config: { provider: { mine: {} } } }).credentials.anyOf).toEqual([]);
    expect(opencode({ model: "opencode/some" }).credentials.anyOf).toEqual([]);
    expect(opencode({ config: { share: "disabled" } }).credentials.anyOf).not.toEqual([]);
  });

  it("that is given goes by the environment, and is known to be secret", () => {
    const { env, credentials } = opencode({ model: "openai/gpt-5", apiKey: "k", env: { A: "1" } });
    expect(env).toEqual({ A: "1", PLAYPEN_OPENCODE_API_KEY: "k" });
    expect(credentials.secret).toContain("PLAYPEN_OPENCODE_API_KEY");
    expect(credentials.anyOf).toContainEqual(["PLAYPEN_OPENCODE_API_KEY"]);
  });
});

describe("an option that is wrong", () => {
  it.each([
    [{ mdoel: "x" }, /unknown option "mdoel".*Did you mean "model"/],
    [{ mode: "acp" }, /"mode" must be one of "session", "turn"/],
    [{ model: "sonnet" }, /"model" is "sonnet": OpenCode names models by provider and model/],
    [{ baseUrl: "localhost:1" }, /"baseUrl" must be an address/],
    [{ apiKey: "a b" }, /"apiKey" must be a key of printable ASCII characters/],
    [{ models: ["m"] }, /"models" is of use only with "baseUrl"/],
    [{ contextWindow: 1000 }, /"contextWindow" is of use only with "baseUrl", received 1000/],
    [{ maxOutputTokens: 1000 }, /"maxOutputTokens" is of use only with "baseUrl"/],
    [{ baseUrl: url, models: "m" }, /"models" must be an array of names/],
    [{ baseUrl: url, models: [""] }, /"models" must be an array of names/],
    [{ baseUrl: url, model: "m", contextWindow: 0 }, /"contextWindow" must be/],
    [{ config: [] }, /"config" must be an object/],
    [{ projectConfig: "yes" }, /"projectConfig" must be true or false/],
    // Options of other backends.
    [{ settings: {} }, /unknown option "settings"/],
    [{ maxTurns: 3 }, /unknown option "maxTurns"/],
    [{ extraArgs: ["--model=x"] }, /"extraArgs" may not hold "--model": use the option "model"/],
    [{ extraArgs: ["-s", "x"] }, /resume a session by the library/],
    [{ extraArgs: ["--pure"] }, /the library's own plugin would not be loaded/],
    [{ extraArgs: ["--auto"] }, /use the session's option "permissions"/],
    [{ extraArgs: ["--"] }, /no prompt is passed by argument/],
  ])("%j is refused", (options, message) => {
    expect(made(options)).toThrow(TypeError);
    expect(made(options)).toThrow(message);
  });

  it("is not shown when it is a key", () => {
    expect(made({ apiKey: "se cret" })).toThrow(/^(?!.*se cret)/s);
  });
});
