import type { CopilotOptions } from "../../../../backends/copilot/index.ts";
import { oneTurn, pixel, type Scenario } from "../../scenario.ts";

export const answerScenarios: readonly Scenario<CopilotOptions>[] = [
  oneTurn("text", "An answer in words.", '!text "Hello, world.\\nA second line."'),
  oneTurn("reasoning", "Thoughts, then an answer.", "!think Let me see. Is it so?\n!text Seen."),
  oneTurn("image", "A prompt with an image.", [
    { type: "text", text: "!text A pixel." },
    { type: "image", data: new Uint8Array(Buffer.from(pixel, "base64")), mediaType: "image/png" },
  ]),
  {
    name: "second-turn",
    about: "Two turns in one process, the second by another model; the usage of each is its own.",
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn("!usage input=10 output=5 cacheRead=4 reasoning=2\n!text One.");
      recorder.request({ id: "host-1", type: "set_model", model: "gpt-5.5" });
      await recorder.turn("!usage input=20 output=7\n!text Two.");
      await recorder.close();
    },
  },
  {
    name: "structured",
    about: "An answer by a schema, then one in words.",
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn('!json {"ok":true}', { type: "object", properties: { ok: { type: "boolean" } } });
      await recorder.turn("!text In words.");
      await recorder.close();
    },
  },
  oneTurn("plan-mode", "A session in the mode that only plans.", "!text Planned.", {
    input: { agentMode: "plan" },
  }),
  {
    name: "compaction",
    about: "The context grows beyond its window and is compacted in the background.",
    options: { env: { COPILOT_PROVIDER_MAX_PROMPT_TOKENS: "12500" } },
    run: async (recorder) => {
      await recorder.start();
      for (const word of ["one", "two", "three"]) {
        await recorder.turn(`!text ${word}\n${`Filler about ${word}. `.repeat(250)}`);
      }
      await recorder.said('"session.compaction_complete"');
      await recorder.close();
    },
  },
];
