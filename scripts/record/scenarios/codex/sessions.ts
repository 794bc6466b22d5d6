import type { CodexOptions } from "../../../../backends/codex/index.ts";
import { oneTurn, turns, type Scenario } from "../../scenario.ts";

export const sessionScenarios: readonly Scenario<CodexOptions>[] = [
  {
    name: "resume",
    about: "Another process takes the session up; its past is not counted again.",
    run: async (recorder) => {
      await turns(recorder, "!usage input=10 output=5\n!text One.");
      await recorder.start({ resume: { nativeSessionId: recorder.nativeSessionId, fork: false } });
      await recorder.turn("!usage input=20 output=7\n!recall");
      await recorder.close();
    },
  },
  {
    name: "fork",
    about: "Another process forks the session; its past is not counted again.",
    run: async (recorder) => {
      await turns(recorder, "!usage input=10 output=5\n!text One.");
      await recorder.start({ resume: { nativeSessionId: recorder.nativeSessionId, fork: true } });
      await recorder.turn("!usage input=20 output=7\n!recall");
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
      await recorder.close();
    },
  },
  {
    name: "resume-nonsense",
    about: "The session to resume has an id that is none.",
    run: async (recorder) => {
      await recorder.start({ resume: { nativeSessionId: "nonsense", fork: false } });
      await recorder.close();
    },
  },
  oneTurn("instructions", "Own instructions, in place of Codex's.", "!text Yes.", {
    input: { systemPrompt: { replace: "You are terse." } },
  }),
];
