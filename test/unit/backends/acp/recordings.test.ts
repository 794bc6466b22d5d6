import { describe, expect, it } from "vitest";
import { acpPreset, type RecordedPreset } from "../../../../scripts/record/scenarios/acp/preset.ts";
import { describeRecordings } from "../describe-recordings.ts";
import { eventsOf, Recordings } from "../replay.ts";

const recordings = new Recordings("acp", acpPreset);

describeRecordings(recordings, {
  unfinishedTools: ["copilot-killed", "opencode-killed", "qwen-killed"],
});

function tools(name: string): readonly unknown[] {
  return eventsOf(recordings.replay(name).events, "tool.completed").map(({ status, output, exitCode }) => ({
    status,
    output: output.trim(),
    ...(exitCode === undefined ? {} : { exitCode }),
  }));
}

const presets: readonly RecordedPreset[] = ["copilot", "opencode", "qwen"];

describe.each(presets)("%s", (preset) => {
  it("tells thoughts and words, and remembers", () => {
    const { events, background } = recordings.replay(`${preset}-text`);
    expect(eventsOf([...events, ...background], "session.started")).toHaveLength(1);
    expect(eventsOf(events, "reasoning.completed")).toMatchObject([{ text: "Let me see." }]);
    expect(recordings.texts(`${preset}-text`)).toEqual([
      "Hello there.",
      "1. !think Let me see.\n!text Hello there.",
    ]);
    expect(recordings.terminals(`${preset}-text`)).toMatchObject([
      { text: "Hello there." },
      { type: "turn.completed" },
    ]);
  });

  it("tells how commands ended, and what became of a file", () => {
    const name = `${preset}-tools`;
    expect(tools(name)).toMatchObject([
      { status: "ok", output: "one", exitCode: 0 },
      { status: "error", exitCode: 3 },
      { status: "ok" },
    ]);
    expect(eventsOf(recordings.replay(name).events, "file.changed")).toMatchObject([
      { change: "added", path: expect.stringMatching(/^\/.*\/workspace\/notes\.txt$/) as string },
    ]);
    expect(recordings.texts(name)).toEqual(["Let me see.", "Done."]);
  });

  it("calls the tool of an MCP server", () => {
    const name = `${preset}-mcp`;
    expect(eventsOf(recordings.replay(name).events, "tool.started")).toMatchObject([{ kind: "mcp" }]);
    expect(tools(name)).toEqual([{ status: "ok", output: "echo: hi" }]);
  });

  it("asks, and does not run what is denied", () => {
    const name = `${preset}-permission`;
    const asked = eventsOf(recordings.replay(name).events, "permission.requested");
    expect(asked.map(({ tool }) => [tool.kind, tool.input["command"]])).toEqual([
      ["execute", "touch one"],
      ["execute", "touch two"],
    ]);
    expect(tools(name)).toMatchObject([{ status: "ok" }, { status: "denied", output: "Not that one." }]);
    expect(recordings.terminals(name)).toMatchObject([
      { type: "turn.completed" },
      { type: "turn.completed", text: "Good." },
    ]);
    expect(recordings.texts(name).filter((text) => text !== "Done.")).toEqual(["Good."]);
  });

  it("is interrupted, and goes on", () => {
    const name = `${preset}-interrupt`;
    expect(tools(name)).toMatchObject([{ status: "interrupted" }]);
    expect(recordings.terminals(name)).toMatchObject([
      { type: "turn.interrupted", by: "host" },
      { type: "turn.completed", text: "Fresh." },
    ]);
  });

  it("fails where the model's API refuses, and goes on", () => {
    // OpenCode tells the words of the error, and not its status.
    const code = preset === "opencode" ? "model_error" : "authentication_failed";
    expect(recordings.terminals(`${preset}-refused`)).toMatchObject([
      { type: "turn.failed", error: { code } },
      { type: "turn.completed", text: "Better." },
    ]);
  });

  it("takes a session up in another process, and tells its history no second time", () => {
    const name = `${preset}-resume`;
    expect(recordings.texts(name)).toEqual(["One.", "1. !shell echo one\n!text One."]);
    expect(tools(name)).toHaveLength(1);
    const { events, background } = recordings.replay(name);
    const started = eventsOf([...events, ...background], "session.started");
    expect(started.map(({ resumed }) => resumed).sort()).toEqual([false, true]);
    expect(new Set(started.map(({ nativeSessionId }) => nativeSessionId)).size).toBe(1);
  });

  it("says when there is no session to take up", () => {
    const { steps } = recordings.replay(`${preset}-resume-unknown`);
    expect(steps.some(({ resumeLost }) => resumeLost === true)).toBe(true);
    expect(steps.every(({ startError, ready }) => startError === undefined && ready !== true)).toBe(true);
  });

  it("fails when it is killed", () => {
    expect(recordings.terminals(`${preset}-killed`)).toMatchObject([
      { type: "turn.failed", error: { code: "agent_exited", signal: "SIGKILL" } },
    ]);
    expect(tools(`${preset}-killed`)).toMatchObject([{ status: "error" }]);
  });
});
