import type { OpencodeOptions } from "../../../../backends/opencode/index.ts";
import { oneTurn, turns, type Scenario } from "../../scenario.ts";

export const unknownSession = { nativeSessionId: "ses_0123456789abcdefghijklmnop", fork: false };

export const sessionScenarios: readonly Scenario<OpencodeOptions>[] = [
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
      await recorder.start({ resume: unknownSession });
      await recorder.close();
    },
  },
  {
    name: "resume-nonsense",
    about: "The session to resume has no id of OpenCode's.",
    run: async (recorder) => {
      await recorder.start({ resume: { nativeSessionId: "nonsense", fork: false } });
      await recorder.close();
    },
  },
  oneTurn("instructions", "Own instructions, in place of OpenCode's.", "!text Yes.", {
    input: { systemPrompt: { replace: "You are terse." } },
  }),
  oneTurn("thinking-level", "A level of thinking is asked for.", "!think Deep.\n!text Yes.", {
    input: { thinking: "high" },
  }),
];
