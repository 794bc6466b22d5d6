import type { CodexOptions } from "../../../../backends/codex/index.ts";
import { oneTurn, type Scenario } from "../../scenario.ts";

export const answerScenarios: readonly Scenario<CodexOptions>[] = [
  oneTurn("text", "An answer in words.", '!text "Hello, world.\\nA second line."'),
  oneTurn("reasoning", "Thoughts, then an answer.", "!think **Let me see.** Is it so?\n!text Seen."),
  {
    name: "second-turn",
    about: "Two turns in one process, the second by another model; the usage of each is its own.",
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn("!usage input=10 output=5 cacheRead=4\n!text One.");
      recorder.request({ id: "host-1", type: "set_model", model: "house-model" });
      await recorder.turn("!usage input=20 output=7\n!text Two.");
      await recorder.close();
    },
  },
];
