import { describe, expect, it } from "vitest";
import { codex } from "../../../../backends/codex/index.ts";

describe("codex()", () => {
  it.each<[unknown, string]>([
    [{ modell: "x" }, 'unknown option "modell". Did you mean "model"'],
    [{ mode: "long" }, '"mode"'],
    [{ apiKey: "two words" }, '"apiKey"'],
    [{ reasoningEffort: 3 }, '"reasoningEffort"'],
    [{ reasoningSummary: "all" }, '"reasoningSummary"'],
    [{ sandboxMode: "none" }, '"sandboxMode"'],
    [{ trustProject: "yes" }, '"trustProject"'],
    [{ baseUrl: "localhost" }, '"baseUrl"'],
    [{ config: { "a b": 1 } }, '"config"'],
    [{ config: { a: undefined } }, '"config"'],
    [{ config: { a: Number.NaN } }, '"config"'],
    [{ extraArgs: ["--json"] }, '"--json"'],
    [{ extraArgs: ["--sandbox=read-only"] }, '"--sandbox"'],
    [{ extraArgs: ["--dangerously-bypass-approvals-and-sandbox"] }, "permissions"],
    [[], "options object"],
  ])("refuses %j", (options, message) => {
    expect(() => codex(options as never)).toThrow(TypeError);
    expect(() => codex(options as never)).toThrow(message);
  });

  it("never shows a key in its complaint", () => {
    expect(() => codex({ apiKey: "my secret" })).toThrow(/received string/);
  });

  it("declares for exec only what exec can do", () => {
    const session = codex().capabilities;
    const turn = codex({ mode: "turn" }).capabilities;
    expect(session.permissions).toEqual(["allow-all", "deny-all", "ask"]);
    expect(turn.permissions).toEqual(["allow-all", "deny-all"]);
    expect([turn.textDeltas, turn.questions, turn.steering, turn.images, turn.interrupt]).toEqual([
      false,
      false,
      false,
      false,
      "signal",
    ]);
    for (const capabilities of [session, turn]) {
      expect(capabilities.updatedInput).toBe(false);
      expect(capabilities.cost).toBe(false);
    }
  });

  it("prefers the native binaries, since the launcher keeps signals to itself", () => {
    const { executables } = codex().cli;
    expect(executables.at(-1)).toBe(".bin/codex");
    expect(executables[0]).toMatch(/linux-x64.*\/bin\/codex$/);
  });

  it("keeps what the caller said", () => {
    const backend = codex({ model: "m", env: { A: "1" }, command: "mycodex", install: false });
    expect(backend).toMatchObject({
      name: "codex",
      mode: "session",
      model: "m",
      env: { A: "1" },
      command: ["mycodex"],
      install: false,
    });
  });
});
