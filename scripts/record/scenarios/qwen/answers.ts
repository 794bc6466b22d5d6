import type { QwenOptions } from "../../../../backends/qwen/index.ts";
import { oneTurn, pixel, turns, type Scenario } from "../../scenario.ts";

export const answerScenarios: readonly Scenario<QwenOptions>[] = [
  oneTurn("text", "An answer in words.", '!usage input=10 output=5\n!text "Hello, world.\\nA second line."'),
  oneTurn("reasoning", "Thoughts before words.", "!think Let me see.\n!text Seen."),
  {
    name: "second-turn",
    about: "Two turns in one process, the second of which remembers the first; each has its own usage.",
    run: (recorder) =>
      turns(
        recorder,
        "!usage input=10 output=5 cacheRead=4\n!text One.",
        "!usage input=20 output=7 cacheRead=5\n!recall",
      ),
  },
  oneTurn("cut-short", "The answer reaches its longest length.", "!stop length\n!text Only so"),
  oneTurn("image", "A prompt with an image.", [
    { type: "text", text: "!text A dot." },
    { type: "image", data: new Uint8Array(Buffer.from(pixel, "base64")), mediaType: "image/png" },
  ]),
  {
    name: "models",
    about: "The models are listed, and one is taken for the second turn; another is not there.",
    run: async (recorder) => {
      await recorder.start();
      recorder.request({ id: "host-1", type: "list_models" });
      await recorder.turn("!text One.");
      recorder.request({ id: "host-2", type: "set_model", model: "other" });
      await recorder.said('"id":4,"result"');
      await recorder.turn("!text Two.");
      recorder.request({ id: "host-3", type: "set_model", model: "none" });
      await recorder.turn("!text Three.");
      await recorder.close();
    },
  },
  {
    name: "compaction",
    about: "The conversation is made shorter by a command.",
    run: (recorder) => turns(recorder, "!text Some words.", "/compress", "!text After."),
  },
  oneTurn("slash", "A prompt that begins like a command, and is none.", "/nothing\n!text Words."),
  oneTurn("plan-mode", "A session in the mode that only plans.", "!text Planned.", {
    input: { agentMode: "plan" },
  }),
];
