import { describe, expect, it } from "vitest";
import { cursor } from "../../../../backends/cursor/index.ts";

const make = (options: object) => () => cursor(options);

describe("options", () => {
  it("needs none, and installs nothing", () => {
    expect(cursor()).toMatchObject({ name: "cursor", mode: "turn", env: {}, install: false });
  });

  it("names the option, the value and the correction", () => {
    expect(make({ mode: "session" })).toThrow(
      new TypeError('cursor(): option "mode" must be one of "turn", received "session".'),
    );
    expect(make({ approveMcpServer: true })).toThrow(/Did you mean "approveMcpServers"\?/);
    expect(make({ approveMcpServers: "yes" })).toThrow(/"approveMcpServers" must be true or false/);
  });

  it("says what to do about an installation, which it cannot make", () => {
    expect(make({ install: true })).toThrow(/"install" must be false.*not on npm.*image.*PATH.*"command"/);
    expect(make({ install: false })).not.toThrow();
  });

  it("takes no other address, since there is none that it could use", () => {
    expect(make({ baseUrl: "https://models.example.com/v1" })).toThrow(/"baseUrl" must be left out/);
  });

  it("does not repeat a secret", () => {
    expect(make({ apiKey: "key secret" })).toThrow(/^(?!.*secret).*"apiKey" must be/);
  });

  it.each([
    ["-p", "standard input"],
    ["--output-format=text", "output"],
    ["--resume=abc", "resume"],
    ["--force", "permissions"],
    ["--yolo", "permissions"],
    ["--trust", "permissions"],
    ["--mode=plan", "agentMode"],
    ["--model", "model"],
    ["--approve-mcps", "approveMcpServers"],
    ["--api-key=x", "apiKey"],
    ["--worktree", "cwd"],
    ["--list-models", "end at once"],
  ])("refuses %s among further arguments", (argument, instead) => {
    expect(make({ extraArgs: [argument] })).toThrow(TypeError);
    expect(make({ extraArgs: [argument] })).toThrow(instead);
  });

  it("passes the key by the environment", () => {
    const backend = cursor({ apiKey: "key_1", env: { OTHER: "1" }, model: "auto" });
    expect(backend).toMatchObject({ model: "auto", env: { OTHER: "1", CURSOR_API_KEY: "key_1" } });
    expect(backend.credentials.secret).toEqual(["CURSOR_API_KEY", "CURSOR_AUTH_TOKEN"]);
  });

  it("declares no mode of permissions that would not hold for every call", () => {
    expect(cursor().capabilities).toMatchObject({
      permissions: ["allow-all"],
      questions: false,
      mcpServers: [],
    });
  });

  it("says that they were not shown, and why", () => {
    expect(cursor().unverified).toMatch(/not on npm.*service/);
  });
});
