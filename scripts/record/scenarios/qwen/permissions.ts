import type { QwenOptions } from "../../../../backends/qwen/index.ts";
import { answerPermission, asking, oneTurn, tool, type Scenario } from "../../scenario.ts";

export const permissionScenarios: readonly Scenario<QwenOptions>[] = [
  {
    name: "permission-allow",
    about: "Every call is asked for, harmless ones too, and allowed.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`!shell ls\n${tool("read_file", { file_path: "/etc/hostname" })}\n!text Done.`);
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
    about: "Of two calls in one answer, one is denied.",
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
    name: "permission-mcp",
    about: "The tool of an MCP server is asked for.",
    ...asking,
    withEchoServer: true,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`${tool("mcp__echo__echo", { text: "hi" })}\n!text Done.`);
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
    "No tool is offered, and none that is called all the same runs.",
    `${tool("run_shell_command", { command: "touch made", is_background: false })}\n!text Done.`,
    { input: { permissions: "deny-all" } },
  ),
  {
    name: "question",
    about: "The agent asks, and is answered.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!ask Which colour? | Red | Blue\n!text Done.");
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId, answers: { "0": "Blue" } });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "question-declined",
    about: "The agent asks, and is not answered.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!ask Which colour? | Red | Blue\n!text Done.");
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
];
