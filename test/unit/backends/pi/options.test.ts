import { describe, expect, it } from "vitest";
import { pi, type PiOptions } from "../../../../backends/pi/index.ts";

const made =
  (options: object): (() => unknown) =>
  () =>
    pi(options);

describe("pi()", () => {
  it("needs no options, and does no more than describe", () => {
    expect(pi()).toMatchObject({
      name: "pi",
      mode: "session",
      install: true,
      env: {},
      cli: { command: "pi", package: "@mariozechner/pi-coding-agent", nodeMajor: 20 },
    });
    expect(pi()).not.toHaveProperty("model");
    expect(pi()).not.toHaveProperty("command");
  });

  it("takes its options over", () => {
    expect(
      pi({ mode: "turn", model: "openai/gpt-5", command: ["node", "pi.js"], install: false }),
    ).toMatchObject({
      mode: "turn",
      model: "openai/gpt-5",
      command: ["node", "pi.js"],
      install: false,
    });
    expect(pi({ command: "pi" }).command).toEqual(["pi"]);
  });

  it("can ask nobody in a process for each turn", () => {
    expect(pi().capabilities).toMatchObject({
      permissions: ["allow-all", "deny-all", "ask"],
      questions: true,
    });
    expect(pi({ mode: "turn" }).capabilities).toMatchObject({
      permissions: ["allow-all", "deny-all"],
      questions: false,
      updatedInput: false,
      steering: false,
      interrupt: "signal",
      models: "none",
    });
  });
});

describe("the credential", () => {
  it("is one of any provider's, where none is named", () => {
    const { anyOf, forwarded, secret } = pi().credentials;
    expect(anyOf).toContainEqual(["ANTHROPIC_API_KEY"]);
    expect(anyOf).toContainEqual(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
    expect(forwarded).toContain("OPENAI_API_KEY");
    expect(secret).toContain("OPENAI_API_KEY");
    expect(secret).not.toContain("AWS_REGION");
  });

  it("is that of the named provider", () => {
    expect(pi({ provider: "openai" }).credentials.anyOf).toEqual([["OPENAI_API_KEY"]]);
    expect(pi({ model: "mistral/devstral" }).credentials.anyOf).toEqual([["MISTRAL_API_KEY"]]);
    // A name with a slash is not always a provider's.
    expect(pi({ model: "meta/llama" }).credentials.anyOf.length).toBeGreaterThan(10);
  });

  it("is none for a server of one's own", () => {
    expect(pi({ baseUrl: "http://localhost:1/v1", model: "m" }).credentials.anyOf).toEqual([]);
    const proxy = pi({ baseUrl: "http://localhost:1", provider: "anthropic" }).credentials;
    expect(proxy.anyOf).toEqual([["ANTHROPIC_API_KEY"], ["ANTHROPIC_OAUTH_TOKEN"]]);
  });

  it("goes into the variable that is looked for", () => {
    const env = (options: PiOptions): unknown => pi({ apiKey: "k", ...options }).env;
    expect(env({ provider: "openai" })).toEqual({ OPENAI_API_KEY: "k" });
    expect(env({ model: "xai/grok", env: { A: "1" } })).toEqual({ A: "1", XAI_API_KEY: "k" });
    expect(env({ baseUrl: "http://localhost:1/v1", model: "m" })).toEqual({ PI_PROVIDER_API_KEY: "k" });
    expect(env({ baseUrl: "http://localhost:1", provider: "openai" })).toEqual({ OPENAI_API_KEY: "k" });
    expect(
      env({ baseUrl: "http://localhost:1/v1", provider: "openai", api: "openai-completions", model: "m" }),
    ).toEqual({
      PI_PROVIDER_API_KEY: "k",
    });
  });
});

describe("an option that is wrong", () => {
  const url = "http://localhost:1/v1";
  it.each([
    [{ mdoel: "x" }, /unknown option "mdoel".*Did you mean "model"/],
    [{ mode: "rpc" }, /"mode" must be one of "session", "turn"/],
    [{ baseUrl: "localhost:1" }, /"baseUrl" must be an address/],
    [
      { apiKey: "a b", provider: "openai" },
      /"apiKey" must be a key of printable ASCII characters.*received string/,
    ],
    [{ apiKey: "!rm -rf /", provider: "openai" }, /"apiKey" must be a key/],
    [{ apiKey: "k" }, /"apiKey" needs "provider", or a "model" that begins with one/],
    [{ provider: "open ai" }, /"provider" must be a name such as "openai"/],
    [{ baseUrl: url, api: "openai", model: "m" }, /"api" must be one of "openai-completions"/],
    [{ api: "openai-completions" }, /"api" needs "baseUrl"/],
    [{ models: ["m"] }, /"models" needs "baseUrl"/],
    [{ baseUrl: url }, /"baseUrl" needs "model" or "models"/],
    [{ baseUrl: url, models: "m" }, /"models" must be an array of models/],
    [{ baseUrl: url, models: [{ name: "m" }] }, /"models" must be an array of names, or objects with an id/],
    [
      { baseUrl: url, models: [{ id: "m", thinks: true }] },
      /models that have id, name, reasoning.*not thinks/,
    ],
    [
      { baseUrl: url, models: [{ id: "m", contextWindow: 0 }] },
      /whose contextWindow is a whole number above 0/,
    ],
    [{ baseUrl: url, models: [{ id: "m", cost: { input: 1 } }] }, /whose cost is an object such as/],
    [{ trustProject: "yes" }, /"trustProject" must be true or false/],
    [{ settings: [] }, /"settings" must be an object/],
    [{ extraArgs: ["--mode=rpc"] }, /"extraArgs" may not hold "--mode": use the option "mode"/],
    [{ extraArgs: ["--session", "x"] }, /resume or fork a session by the library/],
    [{ extraArgs: ["-t", "read"] }, /use the session's option "allowedTools"/],
    [{ extraArgs: ["@notes.md"] }, /"extraArgs" may not hold "@notes.md": no prompt is passed by argument/],
  ])("%j is refused", (options, message) => {
    expect(made(options)).toThrow(TypeError);
    expect(made(options)).toThrow(message);
  });

  it("is not shown when it is a key", () => {
    expect(made({ apiKey: "se cret", provider: "openai" })).not.toThrow(/se cret/);
  });
});
