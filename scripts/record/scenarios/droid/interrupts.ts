import type { DroidOptions } from "../../../../backends/droid/index.ts";
import { longAnswer, type Scenario } from "../../scenario.ts";

const steering = [{ type: "text", text: "!text Steered." }] as const;

export const interruptScenarios: readonly Scenario<DroidOptions>[] = [
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
    about: "Interrupted right behind the prompt, before Droid has taken it.",
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
    name: "interrupt-hang",
    about: "The model's API goes silent, and the host interrupts.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!text Now it\n!hang");
      await recorder.next("message.delta");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
  {
    name: "interrupt-retry",
    about: "Interrupted while Droid waits to try again.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!status 500 internal error");
      await recorder.next("agent.retrying");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
  {
    name: "turn-mode-interrupt",
    about: "A process for one turn is interrupted; the next one takes the session up.",
    options: { mode: "turn" },
    run: async (recorder) => {
      await recorder.start({ prompt: longAnswer });
      await recorder.next("message.delta");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.exited();
      const resume = { nativeSessionId: recorder.nativeSessionId, fork: false };
      await recorder.start({ resume, prompt: "!text Fresh." });
      await recorder.turnEnd();
      await recorder.exited();
    },
  },
  {
    name: "steer-text",
    about: "A message for the turn while it answers.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      recorder.request({ id: "host-1", type: "steer", content: steering });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "steer-tool",
    about: "A message for the turn while a command runs.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo begun; sleep 1\n!text Never said.");
      await recorder.next("tool.delta");
      recorder.request({ id: "host-1", type: "steer", content: steering });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "steer-interrupt",
    about: "A message that nobody took up before the turn was interrupted is not said in the next one.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      recorder.request({ id: "host-1", type: "steer", content: steering });
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!recall");
      await recorder.close();
    },
  },
];
