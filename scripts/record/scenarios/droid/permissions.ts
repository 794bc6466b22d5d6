import type { DroidOptions } from "../../../../backends/droid/index.ts";
import { oneTurn, processPerTurn, tool, type Scenario } from "../../scenario.ts";

/** Droid ends the turn at a command that it may not run. */
const calls = [
  tool("Read", { file_path: "/etc/hostname" }),
  tool("Execute", {
    command: "touch made",
    summary: "Make a file",
    riskLevel: "low",
    riskLevelReason: "Harmless",
  }),
  "!text Done.",
].join("\n");

const question = "!ask Which colour? | Red | Blue\n!text Done.";

export const permissionScenarios: readonly Scenario<DroidOptions>[] = [
  oneTurn("deny-all", "No tool is offered; one that is called all the same does not run.", calls, {
    input: { permissions: "deny-all" },
  }),
  {
    name: "turn-mode-deny-all",
    about: "As before, in a process for the turn.",
    options: { mode: "turn" },
    input: { permissions: "deny-all" },
    run: (recorder) => processPerTurn(recorder, calls),
  },
  oneTurn("allowed-tools", "Only some tools are offered, and one that is not there.", calls, {
    input: { allowedTools: ["Read", "Nothing"] },
  }),
  {
    name: "deny-all-resumed",
    about: "What is denied stays so when another process takes the session up.",
    input: { permissions: "deny-all" },
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn("!text One.");
      await recorder.close();
      await recorder.start({ resume: { nativeSessionId: recorder.nativeSessionId, fork: false } });
      await recorder.turn(calls);
      await recorder.close();
    },
  },
  {
    name: "question",
    about: "The agent asks, and is answered.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(question);
      const { requestId, questions } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId, answers: { [questions[0]?.id ?? ""]: "Blue" } });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "question-declined",
    about: "The agent asks, and is not answered.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(question);
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "question-withdrawn",
    about: "The turn is interrupted while a question is open.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(question);
      await recorder.next("question.requested");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
];
