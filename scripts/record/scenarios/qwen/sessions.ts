import type { QwenOptions } from "../../../../backends/qwen/index.ts";
import { oneTurn, turns, type Scenario } from "../../scenario.ts";

export const unknownSession = { nativeSessionId: "01a1fc87-ce4b-4fd2-8606-b4fb142298e3", fork: false };

export const sessionScenarios: readonly Scenario<QwenOptions>[] = [
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
    name: "resume-unknown",
    about: "The session to resume is not there.",
    run: async (recorder) => {
      await recorder.start({ resume: unknownSession });
      await recorder.close();
    },
  },
  {
    name: "resume-nonsense",
    about: "The session to resume has no id of Qwen Code's.",
    run: async (recorder) => {
      await recorder.start({ resume: { nativeSessionId: "nonsense", fork: false } });
      await recorder.close();
    },
  },
  oneTurn("instructions", "Own instructions, in place of Qwen Code's.", "!text Yes.", {
    input: { systemPrompt: { replace: "You are terse." } },
  }),
  oneTurn("thinking-level", "A level of thinking is asked for.", "!think Deep.\n!text Yes.", {
    input: { thinking: "high" },
  }),
];
