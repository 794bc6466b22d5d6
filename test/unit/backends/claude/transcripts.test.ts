import { describe, expect, it } from "vitest";
import { claude } from "../../../../backends/claude/index.ts";
import { isTerminal, replay, replayCalls, transcript, transcriptNames } from "./replay.ts";

describe("recordings of Claude Code", () => {
  it("are there", () => {
    expect(transcriptNames.length).toBeGreaterThan(50);
  });

  it.each(transcriptNames)("%s gives the recorded steps", (name) => {
    const { entries } = transcript(name);
    expect(replay(name).steps).toEqual(entries.map(({ step }) => step));
  });

  it.each(transcriptNames)("%s was made with the version the backend installs", (name) => {
    const { cli } = transcript(name).head;
    expect(cli).toEqual({ package: claude().cli.package, version: claude().cli.version });
  });

  it.each(transcriptNames)("%s has one terminal event per prompt", (name) => {
    const prompts = transcript(name).entries.filter(({ call }) => call.call === "prompt");
    expect(replay(name).events.filter(isTerminal)).toHaveLength(prompts.length);
  });

  it.each(transcriptNames)("%s has nothing that the backend does not understand", (name) => {
    const { events, background } = replay(name);
    const strange = [...events, ...background].filter(({ type }) => /unknown|unparsed/.test(type));
    expect(strange).toEqual([]);
  });

  it.each(transcriptNames)("%s gives the deltas that its completed texts consist of", (name) => {
    const { events, background } = replay(name);
    for (const list of [events, background]) {
      const streamed = new Map<string, string>();
      for (const event of list) {
        if (event.type === "message.delta" || event.type === "reasoning.delta") {
          const key = `${event.type.split(".")[0]!} ${event.messageId}`;
          streamed.set(key, (streamed.get(key) ?? "") + event.text);
        } else if (event.type === "message.completed" || event.type === "reasoning.completed") {
          expect(event.text).toBe(streamed.get(`${event.type.split(".")[0]!} ${event.messageId}`));
        }
      }
    }
  });

  it.each(transcriptNames)("%s completes every tool call it starts, where the CLI lived to tell", (name) => {
    if (name === "terminated" || name === "max-budget") return;
    const { events } = replay(name);
    const started = events.flatMap((event) => (event.type === "tool.started" ? [event.toolCallId] : []));
    const completed = events.flatMap((event) => (event.type === "tool.completed" ? [event.toolCallId] : []));
    expect([...completed].sort()).toEqual([...started].sort());
  });

  it.each(transcriptNames)("%s keeps prompts and keys out of the arguments", (name) => {
    for (const { call } of transcript(name).entries) {
      if (call.call !== "open") continue;
      const argv = call.argv.join(" ");
      expect(argv).not.toContain("any-key");
      expect(argv).not.toContain("!text");
    }
  });

  it.each(transcriptNames)("%s ends every prompt once, wherever the CLI dies", (name) => {
    const of = transcript(name);
    const calls = of.entries.map(({ call }) => call);
    // Every cut of a long recording would take seconds, and most of them fall between two deltas.
    const stride = Math.ceil(calls.length / 60);
    for (let cut = 1; cut < calls.length; cut += stride) {
      const kept = calls.slice(0, cut);
      const exit = { code: null, signal: "SIGKILL", stderr: "" };
      const { events } = replayCalls(of, [...kept, { call: "end", exit }]);
      const prompts = kept.filter((call) => call.call === "prompt").length;
      expect(events.filter(isTerminal)).toHaveLength(prompts);
    }
  });
});
