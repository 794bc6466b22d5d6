import type { GeminiOptions } from "../../../../backends/gemini/index.ts";
import { oneTurn, pixel, turns, type Scenario } from "../../scenario.ts";

export const answerScenarios: readonly Scenario<GeminiOptions>[] = [
  oneTurn("text", "An answer in words, streamed.", "!text Hello there."),
  oneTurn(
    "reasoning",
    "Thoughts come before the answer.",
    "!think First this.\n!think Then that.\n!text So it is.",
  ),
  oneTurn("image", "The prompt holds an image.", [
    { type: "text", text: "!text A pixel." },
    { type: "image", mediaType: "image/png", data: new Uint8Array(Buffer.from(pixel, "base64")) },
  ]),
  {
    name: "second-turn",
    about: "The second turn remembers the first.",
    run: (recorder) => turns(recorder, "!text One.", "!recall"),
  },
  oneTurn("max-tokens", "The answer is cut at its longest.", "!text Cut sh\n!stop max_tokens"),
  oneTurn("refusal", "The model refuses.", "!text No.\n!stop refusal"),
  oneTurn(
    "usage",
    "Tokens were served by a cache.",
    "!usage input=90 output=20 cacheRead=30 reasoning=5\n!text Done.",
  ),
  {
    name: "models",
    about: "The models are listed, and another one is chosen.",
    run: async (recorder) => {
      await recorder.start();
      recorder.request({ id: "list", type: "list_models" });
      recorder.request({ id: "set", type: "set_model", model: "gemini-2.5-pro" });
      await recorder.turn("!text By another one.");
      await recorder.close();
    },
  },
];
