import type { PiOptions } from "../../../../backends/pi/index.ts";
import { answerPermission, asking, oneTurn, tool, type Scenario } from "../../scenario.ts";

const question = tool("request_user_input", {
  questions: [
    {
      id: "colour",
      header: "Colour",
      question: "Which colour?",
      options: [{ label: "Red" }, { label: "Blue", description: "Like the sky." }],
    },
  ],
});

export const permissionScenarios: readonly Scenario<PiOptions>[] = [
  {
    name: "permission-allow",
    about: "Every call is asked for, harmless ones too, and allowed.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`!shell ls\n${tool("read", { path: "/etc/hostname" })}\n!text Done.`);
      await answerPermission(recorder, "allow");
      await answerPermission(recorder, "allow");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-deny",
    about: "A call is denied; the agent goes on.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell touch made\n!text Done.");
      await answerPermission(recorder, "deny");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-changed",
    about: "A call is allowed with another command.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo original\n!text Done.");
      const { requestId } = await recorder.next("permission.requested");
      const updatedInput = { command: "echo changed" };
      recorder.reply({ type: "permission", requestId, outcome: "allow", updatedInput });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-remembered",
    about: "The same call is asked for once.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo one\n!shell echo one\n!text Done.");
      await answerPermission(recorder, "allow", true);
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-parallel",
    about: "Two calls of one answer are asked for one after the other.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo one\n!also shell echo two\n!text Done.");
      await answerPermission(recorder, "deny");
      await answerPermission(recorder, "allow");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-withdrawn",
    about: "The turn is interrupted while a permission is open.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo one\n!text Done.");
      await recorder.next("permission.requested");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
  oneTurn(
    "deny-all",
    "No tool is offered; one that is called all the same is not found.",
    `${tool("bash", { command: "ls" })}\n!text Done.`,
    {
      input: { permissions: "deny-all" },
    },
  ),
  oneTurn(
    "turn-mode-deny-all",
    "As before, in a process of its own.",
    `${tool("bash", { command: "ls" })}\n!text Done.`,
    {
      options: { mode: "turn" },
      input: { permissions: "deny-all" },
    },
  ),
  {
    name: "question",
    about: "The agent asks, and is answered.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`${question}\n!text Done.`);
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId, answers: { colour: "Blue" } });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "question-declined",
    about: "The agent asks, and is not answered.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`${question}\n!text Done.`);
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
];
