import type { ClaudeOptions } from "../../../../backends/claude/index.ts";
import { oneTurn, type Scenario } from "../../scenario.ts";

export const answerScenarios: readonly Scenario<ClaudeOptions>[] = [
  oneTurn("text", "An answer in words.", '!text "Hello, world.\\nA second line."'),
  oneTurn("thinking", "Thoughts, then an answer.", "!think Let me see.\n!text Seen."),
  oneTurn(
    "max-tokens",
    "The answer is longer than the model may make it, however often it is asked.",
    "Go on.",
    {
      model: () => [
        { type: "text", text: "Long" },
        { type: "stop", reason: "max_tokens" },
      ],
    },
  ),
  oneTurn("refusal", "The model refuses.", "!text No.\n!stop refusal"),
  {
    name: "second-turn",
    about: "Two turns in one process, the second by another model; cost and usage of each are its own.",
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn("!usage input=10 output=5\n!text One.");
      recorder.request({ id: "host-1", type: "set_model", model: "claude-sonnet-4-5" });
      await recorder.next("session.updated");
      await recorder.turn("!usage input=20 output=7\n!text Two.");
      await recorder.close();
    },
  },
];
