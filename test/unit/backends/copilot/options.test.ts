import { describe, expect, it } from "vitest";
import { copilot } from "../../../../backends/copilot/index.ts";

const make = (options: object) => () => copilot(options);

describe("options", () => {
  it("needs none", () => {
    expect(copilot()).toMatchObject({ name: "copilot", mode: "session", env: {}, install: true });
  });

  it("names the option, the value and the correction", () => {
    expect(make({ mode: "batch" })).toThrow(
      new TypeError('copilot(): option "mode" must be one of "session", "turn", received "batch".'),
    );
    expect(make({ wireAp: "responses" })).toThrow(/unknown option "wireAp". Did you mean "wireApi"\?/);
    expect(make({ providerType: "ollama" })).toThrow(/"providerType" must be one of "openai", "azure"/);
    expect(make({ excludedTools: ["bash, view"] })).toThrow(/"excludedTools" must be an array of tool names/);
  });

  it("does not repeat a secret", () => {
    expect(make({ githubToken: "gho secret" })).toThrow(/^(?!.*gho secret).*"githubToken" must be/);
    expect(make({ baseUrl: "http://m/v1", apiKey: "sk\nsecret" })).toThrow(
      /^(?!.*secret).*"apiKey" must be/s,
    );
  });

  it.each(["apiKey", "providerType", "wireApi"])("%s needs an address to go to", (name) => {
    const value = { apiKey: "sk-1", providerType: "azure", wireApi: "responses" }[name];
    expect(make({ [name]: value })).toThrow(`option "${name}" needs option "baseUrl"`);
    expect(make({ [name]: value, baseUrl: "https://models.example.com/v1" })).not.toThrow();
    const env = { COPILOT_PROVIDER_BASE_URL: "https://models.example.com/v1" };
    expect(make({ [name]: value, env })).not.toThrow();
  });

  it.each([
    ["--allow-all", "permissions"],
    ["--allow-tool=shell(git)", "permissions"],
    ["--yolo", "permissions"],
    ["--resume=abc", "resume"],
    ["--session-id", "chooses"],
    ["--available-tools=bash", "allowedTools"],
    ["--model", "model"],
    ["--output-format", "output"],
    ["--headless", "mode"],
    ["--trust-folder", "trustProject"],
    ["--autopilot", "would not end"],
  ])("refuses %s among further arguments", (argument, instead) => {
    expect(make({ extraArgs: [argument] })).toThrow(TypeError);
    expect(make({ extraArgs: [argument] })).toThrow(instead);
  });

  it("passes credentials by the environment", () => {
    const { env } = copilot({
      baseUrl: "https://models.example.com/v1",
      apiKey: "sk-1",
      githubToken: "gho_1",
      providerType: "anthropic",
      wireApi: "responses",
      env: { OTHER: "1" },
    });
    expect(env).toEqual({
      OTHER: "1",
      COPILOT_PROVIDER_BASE_URL: "https://models.example.com/v1",
      COPILOT_PROVIDER_API_KEY: "sk-1",
      COPILOT_PROVIDER_TYPE: "anthropic",
      COPILOT_PROVIDER_WIRE_API: "responses",
      COPILOT_GITHUB_TOKEN: "gho_1",
    });
  });

  it("takes no token of GitHub's from the host that was not meant for Copilot", () => {
    const { credentials } = copilot();
    expect(credentials.forwarded).not.toContain("GH_TOKEN");
    expect(credentials.forwarded).not.toContain("GITHUB_TOKEN");
    expect(credentials.secret).toEqual(expect.arrayContaining(["GH_TOKEN", "GITHUB_TOKEN"]));
  });

  it("declares less for one shot", () => {
    const { capabilities } = copilot({ mode: "turn" });
    expect(capabilities).toMatchObject({
      permissions: ["allow-all", "deny-all"],
      questions: false,
      interrupt: "signal",
      images: false,
      fork: false,
      structuredOutput: "prompted",
    });
  });
});
