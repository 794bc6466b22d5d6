import { describe, expect, it } from "vitest";
import { qwen, type QwenOptions } from "../../../../backends/qwen/index.ts";

const made =
  (options: object): (() => unknown) =>
  () =>
    qwen(options);

describe("qwen()", () => {
  it("needs no options, and does no more than describe", () => {
    expect(qwen()).toMatchObject({
      name: "qwen",
      mode: "session",
      install: true,
      env: {},
      cli: { command: "qwen", package: "@qwen-code/qwen-code", nodeMajor: 20 },
    });
    expect(qwen()).not.toHaveProperty("model");
    expect(qwen()).not.toHaveProperty("command");
  });

  it("takes its options over", () => {
    const options: QwenOptions = {
      mode: "turn",
      model: "qwen3-coder-plus",
      command: ["node", "qwen.js"],
      install: false,
    };
    expect(qwen(options)).toMatchObject(options);
    expect(qwen({ command: "other" }).command).toEqual(["other"]);
  });

  it("can ask nobody in a process for each turn", () => {
    expect(qwen().capabilities).toMatchObject({
      permissions: ["allow-all", "deny-all", "ask"],
      questions: true,
      images: true,
      interrupt: "protocol",
      structuredOutput: "prompted",
      models: "cli",
    });
    expect(qwen({ mode: "turn" }).capabilities).toMatchObject({
      permissions: ["allow-all", "deny-all"],
      questions: false,
      images: false,
      interrupt: "signal",
      structuredOutput: "native",
      models: "none",
    });
  });

  it("passes the key by the environment, and the address with it", () => {
    expect(qwen({ apiKey: "k", env: { A: "1" } }).env).toEqual({ A: "1", OPENAI_API_KEY: "k" });
    expect(qwen().credentials).toEqual({
      anyOf: [["OPENAI_API_KEY"]],
      forwarded: ["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"],
      secret: ["OPENAI_API_KEY"],
    });
    // The key of another address must not go to the host's.
    const { anyOf, forwarded } = qwen({ baseUrl: "http://localhost:1/v1" }).credentials;
    expect(anyOf).toEqual([]);
    expect(forwarded).not.toContain("OPENAI_BASE_URL");
  });
});

describe("an option that is wrong", () => {
  it.each([
    [{ mdoel: "x" }, /unknown option "mdoel".*Did you mean "model"/],
    [{ mode: "acp" }, /"mode" must be one of "session", "turn"/],
    [{ baseUrl: "localhost:1" }, /"baseUrl" must be an address/],
    [{ apiKey: "a b" }, /"apiKey" must be a key of printable ASCII characters/],
    [{ models: "m" }, /"models" must be an array of names/],
    [{ models: [""] }, /"models" must be an array of names/],
    [{ contextWindow: 0 }, /"contextWindow" must be/],
    [{ maxRetries: -1 }, /"maxRetries" must be a whole number, 0 or above/],
    [{ maxSessionTurns: 0.5 }, /"maxSessionTurns" must be/],
    [{ settings: [] }, /"settings" must be an object/],
    // Options of other backends.
    [{ config: {} }, /unknown option "config"/],
    [{ trustProject: true }, /unknown option "trustProject"/],
    [{ extraArgs: ["--model=x"] }, /"extraArgs" may not hold "--model": use the option "model"/],
    [{ extraArgs: ["--yolo"] }, /use the session's option "permissions"/],
    [{ extraArgs: ["-r", "x"] }, /resume a session by the library/],
    [{ extraArgs: ["--bare"] }, /the library's own settings would be ignored/],
    [{ extraArgs: ["--openai-api-key", "k"] }, /use the option "apiKey"/],
    [{ extraArgs: ["--"] }, /no prompt is passed by argument/],
  ])("%j is refused", (options, message) => {
    expect(made(options)).toThrow(TypeError);
    expect(made(options)).toThrow(message);
  });

  it("is not shown when it is a key", () => {
    expect(made({ apiKey: "se cret" })).toThrow(/^(?!.*se cret)/s);
  });
});
