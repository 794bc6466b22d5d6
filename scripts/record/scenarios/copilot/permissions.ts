import type { CopilotOptions } from "../../../../backends/copilot/index.ts";
import { answerPermission, asking, oneTurn, tool, type Scenario } from "../../scenario.ts";

const question = tool("ask_user", { question: "Which one?", choices: ["Red", "Blue"] });

export const permissionScenarios: readonly Scenario<CopilotOptions>[] = [
  {
    name: "permission-allow",
    about: "Every call is asked for, also those that only look.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(
        `!shell touch made\n${tool("view", { path: "/etc/hostname" })}\n!write notes.txt Hello\n!text Done.`,
      );
      for (let call = 0; call < 3; call++) await answerPermission(recorder, "allow");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-deny",
    about: "A command and a change of files are denied, another command is allowed.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell touch denied\n!write notes.txt Hello\n!shell echo allowed\n!text Done.");
      await answerPermission(recorder, "deny");
      await answerPermission(recorder, "deny");
      await answerPermission(recorder, "allow");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-changed",
    about: "The host allows another command, and another patch.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo asked\n!write notes.txt Hello\n!text Done.");
      const first = await recorder.next("permission.requested");
      const updatedInput = { command: "echo changed", description: "Another" };
      recorder.reply({ type: "permission", requestId: first.requestId, outcome: "allow", updatedInput });
      const second = await recorder.next("permission.requested");
      const input = "*** Begin Patch\n*** Add File: other.txt\n+Other\n*** End Patch";
      const { requestId } = second;
      recorder.reply({ type: "permission", requestId, outcome: "allow", updatedInput: { input } });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-mcp",
    about: "Calls of an MCP server's tool are asked for: one is allowed, one is denied.",
    ...asking,
    withEchoServer: true,
    run: async (recorder) => {
      await recorder.start();
      const call = (text: string): string => tool("echo-echo", { text });
      recorder.prompt(`${call("one")}\n${call("two")}\n!text Done.`);
      await answerPermission(recorder, "allow");
      await answerPermission(recorder, "deny");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-subagent",
    about: "A sub-agent's calls are asked for as well.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      const task = {
        agent_type: "explore",
        description: "Look around",
        prompt: "!shell echo below\n!text Nothing there.",
        name: "looker",
        mode: "sync",
      };
      recorder.prompt(`${tool("task", task)}\n!text Done.`);
      await answerPermission(recorder, "allow");
      await answerPermission(recorder, "deny");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  oneTurn(
    "deny-all",
    "No call is allowed, and nobody is asked.",
    `!shell touch denied\n${tool("view", { path: "/etc/hostname" })}\n!text Done.`,
    { input: { permissions: "deny-all" } },
  ),
  {
    name: "question",
    about: "The agent asks twice; the host chooses, then answers in words of its own.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`${question}\n${question}\n!text Done.`);
      for (const answer of ["Blue", "Neither"]) {
        const { requestId } = await recorder.next("question.requested");
        recorder.reply({ type: "question", requestId, answers: { "Which one?": answer } });
      }
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "question-declined",
    about: "The host does not answer.",
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
