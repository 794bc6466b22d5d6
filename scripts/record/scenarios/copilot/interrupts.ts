import type { CopilotOptions } from "../../../../backends/copilot/index.ts";
import { asking, longAnswer, type Scenario } from "../../scenario.ts";

export const interruptScenarios: readonly Scenario<CopilotOptions>[] = [
  {
    name: "interrupt-text",
    about: "Interrupted in the middle of a text; the next prompt follows at once.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
  {
    name: "interrupt-tool",
    about: "Interrupted while a command runs, which is ended; the next prompt follows at once.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo begun; sleep 60\n!text Never said.");
      await recorder.next("tool.delta");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
  {
    name: "interrupt-at-once",
    about: "Interrupted right behind the prompt, before Copilot has taken it up.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
  {
    name: "interrupt-permission",
    about: "Interrupted while the host thinks about a permission.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell touch never\n!text Never said.");
      await recorder.next("permission.requested");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
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
  {
    name: "steer-text",
    about: "A message for the turn while it answers.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      recorder.request({ id: "host-1", type: "steer", content: [{ type: "text", text: "!text Steered." }] });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "killed",
    about: "The CLI is killed in the middle of an answer.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      await recorder.kill("SIGKILL");
    },
  },
];
