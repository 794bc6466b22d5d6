import type { QwenOptions } from "../../../../backends/qwen/index.ts";
import type { Recorder } from "../../recorder.ts";
import { longAnswer, type Scenario } from "../../scenario.ts";

/** Interrupts, and prompts again at once. */
async function interrupted(recorder: Recorder): Promise<void> {
  recorder.interrupt();
  await recorder.turnEnd();
  await recorder.turn("!text Fresh.");
  await recorder.close();
}

export const interruptScenarios: readonly Scenario<QwenOptions>[] = [
  {
    name: "interrupt-text",
    about: "Interrupted in the middle of a text; the next prompt follows at once.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      await interrupted(recorder);
    },
  },
  {
    name: "interrupt-tool",
    about: "Interrupted while a command runs, which is ended; the next prompt follows at once.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo begun; sleep 60\n!text Never said.");
      await recorder.next("tool.started");
      await interrupted(recorder);
    },
  },
  {
    name: "interrupt-at-once",
    about: "Interrupted right behind the prompt.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await interrupted(recorder);
    },
  },
  {
    name: "interrupt-hang",
    about: "The model's API goes silent, and the host interrupts.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!text Now it\n!hang");
      await recorder.next("message.delta");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.close();
    },
  },
];
