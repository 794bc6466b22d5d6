import { describe, expect, it } from "vitest";
import { acp } from "../../../../backends/acp/index.ts";

const make =
  (...given: readonly unknown[]) =>
  () =>
    (acp as (...given: readonly unknown[]) => unknown)(...given);

describe("an agent of one's own", () => {
  it("needs a command", () => {
    expect(make({})).toThrow(/^acp\(\): the option "command" is missing/);
    expect(make({ args: ["--acp"] })).toThrow(TypeError);
    expect(make({ command: [] })).toThrow(/"command" must be/);
  });

  it("is called like its executable, unless it has a name", () => {
    expect(acp({ command: "/opt/My Agent/bin/My_Agent" })).toMatchObject({ name: "my_agent" });
    expect(acp({ command: ["npx", "--yes", "some-agent"] })).toMatchObject({ name: "npx" });
    expect(acp({ command: "--" })).toMatchObject({ name: "acp" });
    expect(acp({ command: "agent", name: "mine" })).toMatchObject({ name: "mine" });
    expect(make({ command: "agent", name: "My Agent" })).toThrow(/"name" must be a name of lower-case/);
  });

  it("is neither looked up by a version nor installed, and brings no credential", () => {
    const { cli, credentials, command } = acp({ command: ["node", "agent.mjs"] });
    expect(command).toEqual(["node", "agent.mjs"]);
    expect(cli).toMatchObject({ command: "node", versionArguments: [], executables: [] });
    expect(credentials).toEqual({ anyOf: [], forwarded: [], secret: [] });
  });
});

describe("a preset", () => {
  it("that is not known is refused with those that are", () => {
    expect(make("clod")).toThrow(
      new TypeError(
        'acp(): no agent is known as "clod", only "claude", "codex", "copilot", "droid", "gemini", "opencode", "qwen". For another one pass { command, args }.',
      ),
    );
    expect(make("toString")).toThrow(TypeError);
  });

  it("has its arguments, and may have another command and name", () => {
    expect(make("opencode", { args: ["serve"] })).toThrow(/unknown option "args"/);
    expect(acp("opencode")).toMatchObject({ name: "opencode", mode: "session", install: true });
    expect(acp("opencode", { command: "oc", name: "mine" })).toMatchObject({ name: "mine", command: ["oc"] });
  });

  it("keeps and forwards its own credentials, and those that the caller names", () => {
    const { credentials } = acp("gemini", { secrets: ["GATEWAY_KEY", "GEMINI_API_KEY"] });
    expect(credentials).toEqual({
      anyOf: [],
      forwarded: ["GEMINI_API_KEY", "GATEWAY_KEY"],
      secret: ["GEMINI_API_KEY", "GATEWAY_KEY"],
    });
    // An address is forwarded, but no secret.
    expect(acp("qwen").credentials.secret).toEqual(["OPENAI_API_KEY"]);
    expect(acp("qwen").credentials.forwarded).toContain("OPENAI_BASE_URL");
  });

  it("declares what it is known to have, and not to have", () => {
    expect(acp("opencode").capabilities).toMatchObject({ usage: false, setModel: true });
    expect(acp("copilot").capabilities).toMatchObject({ usage: true, setModel: false, models: "none" });
    expect(acp("claude").capabilities).toMatchObject({ cost: true });
    expect(acp("gemini").capabilities).toMatchObject({ usage: true, cost: false });
  });
});

describe("an option", () => {
  it.each([
    ["model", 1],
    ["env", { KEY: 1 }],
    ["secrets", "KEY"],
    ["extraArgs", "--flag"],
    ["authMethod", 7],
    ["sessionMode", ""],
    ["configOptions", { level: 3 }],
    ["asksForEveryCall", "yes"],
    ["install", "no"],
    ["profile", "none"],
  ])("%s is refused by its name when it is %j", (name, value) => {
    expect(make("gemini", { [name]: value })).toThrow(TypeError);
    expect(make("gemini", { [name]: value })).toThrow(`"${name}"`);
    expect(make({ command: "agent", [name]: value })).toThrow(`"${name}"`);
  });

  it("that is unknown is refused with the one that was meant", () => {
    expect(make("gemini", { modell: "x" })).toThrow(/unknown option "modell". Did you mean "model"\?/);
    expect(make("gemini", { mode: "turn" })).toThrow(/unknown option "mode"/);
  });
});

describe("permissions", () => {
  it("are only those that are enforced: an agent need not ask for every call", () => {
    expect(acp("opencode").capabilities.permissions).toEqual(["allow-all"]);
    expect(acp({ command: "agent" }).capabilities.permissions).toEqual(["allow-all"]);
    expect(acp("opencode", { asksForEveryCall: true }).capabilities.permissions).toEqual([
      "allow-all",
      "deny-all",
      "ask",
    ]);
  });
});
