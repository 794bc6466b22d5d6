import { describe, expect, it } from "vitest";
import { amp } from "../../../../backends/amp/index.ts";

const make = (options: object) => () => amp(options);

describe("options", () => {
  it("needs none", () => {
    expect(amp()).toMatchObject({ name: "amp", mode: "turn", env: {}, install: true });
  });

  it("names the option, the value and the correction", () => {
    expect(make({ mode: "session" })).toThrow(
      new TypeError('amp(): option "mode" must be one of "turn", received "session".'),
    );
    expect(make({ visibilty: "private" })).toThrow(/unknown option "visibilty". Did you mean "visibility"\?/);
    expect(make({ visibility: "public" })).toThrow(/"visibility" must be one of "private", "unlisted"/);
    expect(make({ command: [] })).toThrow(/"command" must be the name of an executable/);
  });

  it("takes no model, since Amp takes none", () => {
    expect(make({ model: "gpt-5.4" })).toThrow(/"model" must be left out.*"agentMode"/);
    expect(amp().modelProblem?.("gpt-5.4", {})).toMatch(/"agentMode"/);
  });

  it("does not repeat a secret", () => {
    expect(make({ apiKey: "sgamp secret" })).toThrow(/^(?!.*secret).*"apiKey" must be/);
  });

  it.each([
    [{ "amp.permissions": [] }, "permissions"],
    [{ "amp.dangerouslyAllowAll": true }, "permissions"],
    [{ "amp.skills.path": "/skills" }, "skills"],
    [{ "amp.mcpServers": {} }, "mcpServers"],
    [{ proxy: "http://proxy" }, 'begin with "amp."'],
    [[], "an object of settings"],
  ])("refuses the settings %j", (settings, instead) => {
    expect(make({ settings })).toThrow(TypeError);
    expect(make({ settings })).toThrow(instead);
  });

  it.each([
    ["-x", "standard input"],
    ["--execute=Hello", "standard input"],
    ["--stream-json", "output"],
    ["--settings-file", "settings"],
    ["--mcp-config={}", "mcpServers"],
    ["--mode", "agentMode"],
    ["--executor=orb", "sandbox"],
    ["--visibility", "visibility"],
    ["--version", "end at once"],
  ])("refuses %s among further arguments", (argument, instead) => {
    expect(make({ extraArgs: [argument] })).toThrow(TypeError);
    expect(make({ extraArgs: [argument] })).toThrow(instead);
  });

  it("passes key and address by the environment", () => {
    const { env } = amp({ apiKey: "sgamp_1", baseUrl: "https://amp.example.com", env: { OTHER: "1" } });
    expect(env).toEqual({ OTHER: "1", AMP_API_KEY: "sgamp_1", AMP_URL: "https://amp.example.com" });
    expect(amp().credentials.secret).toEqual(["AMP_API_KEY"]);
  });

  it("declares no mode of permissions that would not hold for every call", () => {
    expect(amp().capabilities).toMatchObject({
      permissions: ["allow-all"],
      questions: false,
      steering: false,
    });
  });

  it("says that they were not shown, and why", () => {
    expect(amp().unverified).toMatch(/service/);
  });
});
