import { describe, expect, it } from "vitest";
import { cursor, type CursorOptions } from "../../../../backends/cursor/index.ts";
import type { Launch, LaunchInput } from "../../../../src/kit.ts";
import { chatId, launchInput } from "./lines.ts";

function launch(options: CursorOptions = {}, more: Partial<LaunchInput> = {}): Launch {
  return cursor(options).launch({ ...launchInput, ...more });
}

const print = ["--print", "--output-format", "stream-json", "--stream-partial-output"];

describe("a turn's process", () => {
  it("prints pieces of text, and is allowed every call", () => {
    expect(launch()).toEqual({
      argv: ["/usr/local/bin/cursor-agent", ...print, "--trust", "--force"],
      env: {},
      files: [],
    });
  });

  it.each(["deny-all", "ask"] as const)("is not even trusted where the session says %s", (permissions) => {
    expect(launch({}, { permissions }).argv).toEqual(["/usr/local/bin/cursor-agent", ...print]);
  });

  it("is given model, mode and chat, each with its flag", () => {
    const resume = { nativeSessionId: chatId, fork: false };
    expect(launch({}, { model: "gpt-5.4", agentMode: "plan", resume }).argv.slice(-6)).toEqual([
      "--model",
      "gpt-5.4",
      "--mode",
      "plan",
      "--resume",
      chatId,
    ]);
  });

  it("takes the caller's command and further arguments, and approves servers where it is told to", () => {
    const { argv } = launch({ command: ["cursor", "agent"], extraArgs: ["--sandbox", "disabled"] });
    expect(argv.slice(0, 3)).toEqual(["cursor", "agent", "--print"]);
    expect(argv.slice(-2)).toEqual(["--sandbox", "disabled"]);
    expect(argv).not.toContain("--approve-mcps");
    expect(launch({ approveMcpServers: true }).argv).toContain("--approve-mcps");
  });

  it("holds no secret among its arguments", () => {
    const { argv } = launch({ apiKey: "key_1" }, { env: { CURSOR_API_KEY: "key_1" } });
    expect(argv.join(" ")).not.toContain("key_1");
  });
});
