import { describe, expect, it } from "vitest";
import { recordingKey } from "../../../scripts/record/scenario.ts";
import type { AgentEventBody, AgentProtocol } from "../../../src/kit.ts";
import { isTerminal, performCall, type Recordings, type TranscriptCall } from "./replay.ts";

export interface RecordingsSuiteOptions {
  /** Recordings in which a tool call is left open, because the CLI did not live to tell its end. */
  readonly unfinishedTools?: readonly string[];
}

/** Declares what holds for every recording of any backend. What one recording must come to is for its own tests. */
export function describeRecordings(recordings: Recordings, options: RecordingsSuiteOptions = {}): void {
  const { names } = recordings;
  const { unfinishedTools = [] } = options;

  describe("every recording", () => {
    it("is there", () => {
      expect(names.length).toBeGreaterThan(10);
    });

    it.each(names)("%s gives the recorded steps", (name) => {
      const { entries } = recordings.transcript(name);
      expect(recordings.replay(name).steps).toEqual(entries.map(({ step }) => step));
    });

    it.each(names)("%s was made with the version that the backend installs", (name) => {
      const transcript = recordings.transcript(name);
      const { package: packageName, version } = recordings.backendOf(transcript).cli;
      expect(transcript.head.cli).toEqual({ package: packageName, version });
    });

    it.each(names)("%s ends each turn once, and none before it was prompted", (name) => {
      const { entries } = recordings.transcript(name);
      const { steps } = recordings.replay(name);
      let prompts = 0;
      let ends = 0;
      for (const [index, { call }] of entries.entries()) {
        if (call.call === "prompt") prompts += 1;
        const step = steps[index]!;
        if (step.background !== true) ends += (step.events ?? []).filter(isTerminal).length;
        expect(ends).toBeLessThanOrEqual(prompts);
      }
      expect(ends).toBe(prompts);
    });

    it.each(names)("%s has nothing that the backend does not understand", (name) => {
      const strange = allEvents(recordings, name).filter(
        ({ type }) => type === "agent.unknown" || type === "agent.unparsed",
      );
      expect(strange).toEqual([]);
    });

    it.each(names)("%s has deltas that add up to the completed texts", (name) => {
      const streamed = new Map<string, string>();
      for (const event of allEvents(recordings, name)) {
        if (event.type === "message.delta" || event.type === "reasoning.delta") {
          const key = keyOf(event);
          streamed.set(key, (streamed.get(key) ?? "") + event.text);
        } else if (event.type === "message.completed" || event.type === "reasoning.completed") {
          const text = streamed.get(keyOf(event));
          if (text !== undefined) expect(event.text).toBe(text);
        }
      }
    });

    it.each(names)("%s completes every tool call that it starts", (name) => {
      const events = allEvents(recordings, name);
      const started = events.flatMap((event) => (event.type === "tool.started" ? [event.toolCallId] : []));
      const completed = events.flatMap((event) =>
        event.type === "tool.completed" ? [event.toolCallId] : [],
      );
      expect(completed).toHaveLength(new Set(completed).size);
      expect(started).toEqual(expect.arrayContaining(completed));
      if (!unfinishedTools.includes(name)) expect(completed.sort()).toEqual(started.sort());
    });

    it.each(names)("%s shows the key nowhere, and no prompt in the arguments", (name) => {
      const transcript = recordings.transcript(name);
      expect(JSON.stringify(transcript)).not.toContain(recordingKey);
      for (const { call } of transcript.entries) {
        if (call.call !== "open") continue;
        expect(call.argv.join(" ")).not.toMatch(/any-key|!text/);
      }
    });

    it.each(names)("%s ends each turn once, wherever the CLI dies", (name) => {
      const transcript = recordings.transcript(name);
      const calls = transcript.entries.map(({ call }) => call);
      for (const cut of placesIn(calls)) {
        const { prompts, ends } = playAndDie(recordings.protocolOf(transcript), calls.slice(0, cut));
        expect(ends).toBe(prompts);
      }
    });

    it.each(names)("%s ends each turn once, whichever line is missing", (name) => {
      const transcript = recordings.transcript(name);
      const calls = transcript.entries.map(({ call }) => call);
      for (const missing of placesIn(calls)) {
        if (calls[missing]?.call !== "push") continue;
        const rest = calls.filter((_, index) => index !== missing);
        const { prompts, ends } = playAndDie(recordings.protocolOf(transcript), rest);
        expect(ends).toBe(prompts);
      }
    });
  });
}

function allEvents(recordings: Recordings, name: string): readonly AgentEventBody[] {
  return recordings.replay(name).steps.flatMap(({ events = [] }) => events);
}

function keyOf(event: { readonly type: string; readonly messageId: string }): string {
  return `${event.type.slice(0, event.type.indexOf("."))} ${event.messageId}`;
}

/** Every place of a long recording would take seconds, and most of them lie between two deltas. */
function placesIn(calls: readonly unknown[]): readonly number[] {
  const stride = Math.ceil(calls.length / 60);
  return calls.map((_, index) => index).filter((index) => index % stride === 0);
}

/** Plays the calls as the core would make them, and then lets the process die. */
function playAndDie(
  protocol: AgentProtocol,
  calls: readonly TranscriptCall[],
): { readonly prompts: number; readonly ends: number } {
  let prompts = 0;
  let ends = 0;
  const play = (call: TranscriptCall): void => {
    const { events = [], background } = performCall(protocol, call);
    if (background !== true) ends += events.filter(isTerminal).length;
  };
  for (const call of calls) {
    if (call.call === "prompt") {
      // Without the end of its turn the core does not come to the next prompt.
      if (prompts > ends) break;
      prompts += 1;
    }
    play(call);
  }
  play({ call: "end", exit: { code: null, signal: "SIGKILL", stderr: "" } });
  return { prompts, ends };
}
