import type { ClaudeOptions } from "../../../../backends/claude/index.ts";
import { asking, turns, type Scenario } from "../../scenario.ts";

export const processScenarios: readonly Scenario<ClaudeOptions>[] = [
  {
    name: "resume",
    about: "A second process takes the session up, and knows what was said.",
    run: async (recorder) => {
      await turns(recorder, "!text One.");
      await recorder.start({ resume: { nativeSessionId: recorder.nativeSessionId, fork: false } });
      await recorder.turn("!recall");
      await recorder.close();
    },
  },
  {
    name: "fork",
    about: "A second process takes up a copy of the session.",
    run: async (recorder) => {
      await turns(recorder, "!text One.");
      await recorder.start({ resume: { nativeSessionId: recorder.nativeSessionId, fork: true } });
      await recorder.turn("!recall");
      await recorder.close();
    },
  },
  {
    name: "resume-unknown",
    about: "The session to resume is not there; a fresh one takes its place.",
    run: async (recorder) => {
      await recorder.start({
        resume: { nativeSessionId: "00000000-0000-4000-8000-000000000000", fork: false },
      });
      await recorder.exited();
      await turns(recorder, "!text Fresh.");
    },
  },
  {
    name: "turn-mode",
    about: "A process for each turn, each of which asks for permission.",
    options: { mode: "turn" },
    ...asking,
    run: async (recorder) => {
      await recorder.start({ prompt: "!shell ls\n!text One." });
      const { requestId } = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId, outcome: "allow" });
      await recorder.turnEnd();
      await recorder.exited();
      await recorder.start({
        resume: { nativeSessionId: recorder.nativeSessionId, fork: false },
        prompt: "!recall",
      });
      await recorder.turnEnd();
      await recorder.exited();
    },
  },
];
