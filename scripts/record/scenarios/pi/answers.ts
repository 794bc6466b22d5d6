import type { PiOptions } from "../../../../backends/pi/index.ts";
import { oneTurn, pixel, turns, type Scenario } from "../../scenario.ts";

export const answerScenarios: readonly Scenario<PiOptions>[] = [
  oneTurn("text", "An answer in words.", '!usage input=10 output=5\n!text "Hello, world.\\nA second line."'),
  oneTurn("thinking", "Thoughts before words.", "!think Let me see.\n!text Seen."),
  {
    name: "second-turn",
    about: "Two turns in one process, the second of which remembers the first.",
    run: (recorder) =>
      turns(
        recorder,
        "!usage input=10 output=5 cacheRead=40\n!text One.",
        "!usage input=20 output=7 cacheRead=50\n!recall",
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
      await recorder.said('"command":"get_available_models"');
      await recorder.turn("!text One.");
      recorder.request({ id: "host-2", type: "set_model", model: "other" });
      await recorder.next("session.updated");
      await recorder.turn("!text Two.");
      recorder.request({ id: "host-3", type: "set_model", model: "custom/none" });
      await recorder.turn("!text Three.");
      await recorder.close();
    },
  },
  {
    name: "compaction",
    about: "The context grows beyond its bound, and is made shorter behind the turn.",
    options: { models: [{ id: "stand-in", contextWindow: 40_000 }] },
    run: (recorder) =>
      turns(
        recorder,
        `!text ${"word ".repeat(50)}`,
        "!usage input=30000 output=20\n!text Big.",
        "!text After.",
      ),
  },
  {
    name: "turn-mode",
    about: "A process for each turn.",
    options: { mode: "turn" },
    run: async (recorder) => {
      await recorder.start({
        prompt: "!usage input=10 output=5\n!think Hm.\n!text One.\n!shell exit 3\n!text Two.",
      });
      await recorder.turnEnd();
      await recorder.exited();
      await recorder.start({
        resume: { nativeSessionId: recorder.nativeSessionId, fork: false },
        prompt: "!usage input=20 output=7\n!recall",
      });
      await recorder.turnEnd();
      await recorder.exited();
    },
  },
  {
    name: "turn-mode-image",
    about: "An image for a process of its own.",
    options: { mode: "turn" },
    run: async (recorder) => {
      await recorder.start({
        prompt: [
          { type: "text", text: "!text A dot." },
          { type: "image", data: new Uint8Array(Buffer.from(pixel, "base64")), mediaType: "image/png" },
        ],
      });
      await recorder.turnEnd();
      await recorder.exited();
    },
  },
];
