import type { DroidOptions } from "../../../../backends/droid/index.ts";
import { oneTurn, turns, type Scenario } from "../../scenario.ts";

const unknownSession = { nativeSessionId: "01a1fc87-ce4b-4fd2-8606-b4fb142298e3", fork: false };

export const sessionScenarios: readonly Scenario<DroidOptions>[] = [
  {
    name: "resume",
    about: "Another process takes the session up.",
    run: async (recorder) => {
      await turns(recorder, "!usage input=10 output=5\n!text One.");
      await recorder.start({ resume: { nativeSessionId: recorder.nativeSessionId, fork: false } });
      await recorder.turn("!usage input=20 output=7\n!shell echo hi\n!recall");
      await recorder.close();
    },
  },
  {
    name: "fork",
    about: "Another process copies the session.",
    run: async (recorder) => {
      await turns(recorder, "!text One.");
      await recorder.start({ resume: { nativeSessionId: recorder.nativeSessionId, fork: true } });
      await recorder.turn("!recall");
      await recorder.close();
    },
  },
  {
    name: "resume-unknown",
    about: "The session to resume is not there.",
    run: async (recorder) => {
      await recorder.start({ resume: unknownSession });
      await recorder.close();
    },
  },
  {
    name: "turn-mode-resume-unknown",
    about: "The session to resume is not there for a process for one turn.",
    options: { mode: "turn" },
    run: async (recorder) => {
      await recorder.start({ resume: unknownSession, prompt: "!text Never said." });
      await recorder.close();
    },
  },
  oneTurn("instructions", "Own instructions, in place of Droid's.", "!text Yes.", {
    input: { systemPrompt: { replace: "You are terse." } },
  }),
  oneTurn("thinking-level", "A level of thinking is asked for.", "!think Deep.\n!text Yes.", {
    input: { thinking: "high" },
  }),
  oneTurn("spec-mode", "The agent begins in its spec mode, and leaves it.", "!text Yes.", {
    input: { agentMode: "spec" },
  }),
];
