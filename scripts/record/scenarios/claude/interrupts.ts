import type { ClaudeOptions } from "../../../../backends/claude/index.ts";
import { longAnswer, type Scenario } from "../../scenario.ts";

export const interruptScenarios: readonly Scenario<ClaudeOptions>[] = [
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
    about: "Interrupted while a command runs; the next prompt follows at once.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo begun; sleep 60\n!text Never said.");
      await recorder.next("tool.started");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
  {
    name: "interrupt-at-once",
    about: "Interrupted right behind the prompt.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      recorder.interrupt();
      await recorder.turnEnd();
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
    name: "steer-tool",
    about: "A message for the turn while a command runs.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell sleep 1\n!text Not said any more.");
      await recorder.next("tool.started");
      recorder.request({ id: "host-1", type: "steer", content: [{ type: "text", text: "!text Steered." }] });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "steer-text",
    about: "A message for the turn comes too late for its answer, and gets another one in the same turn.",
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
    name: "steer-interrupt",
    about: "A message for the turn waits when the host interrupts: its answer is interrupted too.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      recorder.request({ id: "host-1", type: "steer", content: [{ type: "text", text: longAnswer }] });
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
];
