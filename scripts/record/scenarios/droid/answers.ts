import type { DroidOptions } from "../../../../backends/droid/index.ts";
import { oneTurn, pixel, processPerTurn, turns, type Scenario } from "../../scenario.ts";

const schema = {
  type: "object",
  properties: { ok: { type: "boolean" } },
  required: ["ok"],
  additionalProperties: false,
};

export const answerScenarios: readonly Scenario<DroidOptions>[] = [
  oneTurn("text", "An answer in words.", '!usage input=10 output=5\n!text "Hello, world.\\nA second line."'),
  oneTurn("thinking", "Thoughts before words.", "!think Let me see.\n!text Seen."),
  {
    name: "second-turn",
    about: "Two turns in one process, the second of which remembers the first.",
    run: (recorder) =>
      turns(
        recorder,
        "!usage input=10 output=5 cacheRead=4\n!text One.",
        "!usage input=20 output=7\n!recall",
      ),
  },
  oneTurn(
    "cut-short",
    "The answer reaches its longest length, and Droid has the model go on.",
    "!stop length\n!text Only so",
  ),
  oneTurn("image", "A prompt with an image.", [
    { type: "text", text: "!text A dot." },
    { type: "image", data: new Uint8Array(Buffer.from(pixel, "base64")), mediaType: "image/png" },
  ]),
  {
    name: "structured",
    about: "An answer that has to fit a schema, and behind it one in words.",
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn('!json {"ok":true}', schema);
      await recorder.turn("!text In words.");
      await recorder.close();
    },
  },
  {
    name: "models",
    about: "The models are listed, and one is taken for the second turn; another is not there.",
    run: async (recorder) => {
      await recorder.start();
      recorder.request({ id: "host-1", type: "list_models" });
      await recorder.turn("!text One.");
      recorder.request({ id: "host-2", type: "set_model", model: "other" });
      await recorder.next("session.updated");
      await recorder.turn("!text Two.");
      recorder.request({ id: "host-3", type: "set_model", model: "none" });
      await recorder.turn("!text Three.");
      await recorder.close();
    },
  },
  {
    name: "compaction",
    about: "The context grows beyond its bound, and is made shorter.",
    options: { settings: { compactionTokenLimit: 20_000 } },
    run: (recorder) =>
      turns(
        recorder,
        `!text ${"word ".repeat(50)}`,
        "!usage input=39000 output=20\n!text Big.",
        "!text After.",
      ),
  },
  {
    name: "turn-mode",
    about: "A process for each turn.",
    options: { mode: "turn" },
    run: (recorder) =>
      processPerTurn(
        recorder,
        "!usage input=10 output=5\n!think Hm.\n!text One.\n!shell exit 3\n!text Two.",
        "!usage input=20 output=7\n!recall",
      ),
  },
];
