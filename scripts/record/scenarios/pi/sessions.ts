import type { PiOptions } from "../../../../backends/pi/index.ts";
import { oneTurn, turns, type Scenario } from "../../scenario.ts";

export const sessionScenarios: readonly Scenario<PiOptions>[] = [
  {
    name: "resume",
    about: "Another process takes the session up.",
    run: async (recorder) => {
      await turns(recorder, "!usage input=10 output=5\n!text One.");
      await recorder.start({ resume: { nativeSessionId: recorder.nativeSessionId, fork: false } });
      await recorder.turn("!usage input=20 output=7\n!recall");
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
      await recorder.start({
        resume: { nativeSessionId: "01a1fc87-ce4b-7fd2-8606-b4fb142298e3", fork: false },
      });
      await recorder.exited();
    },
  },
  {
    name: "resume-prefix",
    about: "Pi would take the beginning of an id for the id.",
    run: async (recorder) => {
      await turns(recorder, "!text One.");
      await recorder.start({
        resume: { nativeSessionId: recorder.nativeSessionId.slice(0, 8), fork: false },
      });
      await recorder.exited();
    },
  },
  {
    name: "turn-mode-resume-unknown",
    about: "The session to resume is not there for a process of its own.",
    options: { mode: "turn" },
    run: async (recorder) => {
      await recorder.start({
        resume: { nativeSessionId: "01a1fc87-ce4b-7fd2-8606-b4fb142298e3", fork: false },
        prompt: "!text Never said.",
      });
      await recorder.exited();
    },
  },
  oneTurn("instructions", "Own instructions, in place of Pi's.", "!text Yes.", {
    input: { systemPrompt: { replace: "You are terse." } },
  }),
  oneTurn("thinking-level", "A level of thinking is asked for.", "!think Deep.\n!text Yes.", {
    input: { thinking: "high" },
  }),
];
