import { mkdirSync, writeFileSync } from "node:fs";
import type { CodexOptions } from "../../../../backends/codex/index.ts";
import { answerPermission, asking, oneTurn, tool, type Scenario } from "../../scenario.ts";
import { plainTools } from "./directives.ts";

export const permissionScenarios: readonly Scenario<CodexOptions>[] = [
  {
    name: "permission-allow",
    about: "Every call is asked for, also those that only look.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`!shell ls\n!shell cat /etc/hostname\n!write notes.txt Hello\n!text Done.`);
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
    name: "permission-remembered",
    about: "The host allows a command for the rest of the session; another one is asked for.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo again\n!shell echo again\n!shell echo other\n!text Done.");
      await answerPermission(recorder, "allow", true);
      await answerPermission(recorder, "allow");
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
      const call = (text: string): string => tool("mcp__echo__echo", { text });
      recorder.prompt(`${call("one")}\n${call("two")}\n!text Done.`);
      await answerPermission(recorder, "allow");
      await answerPermission(recorder, "deny");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  oneTurn(
    "permission-gate",
    "Tools that know no approval are refused where calls are asked for.",
    [
      tool("view_image", { path: "/etc/hostname" }),
      tool("list_mcp_resources", {}),
      tool("spawn_agent", { message: "!shell echo inside" }),
      tool("exec_command", { cmd: "cat", tty: true }),
      "!text I may not.",
    ].join("\n"),
    { ...asking, ...plainTools, withEchoServer: true },
  ),
  {
    name: "permission-withdrawn",
    about: "The turn is interrupted while a permission is asked for.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell touch a\n!text Done.");
      await recorder.next("permission.requested");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-project-settings",
    about: "The project would allow everything and start servers of its own; it is asked all the same.",
    ...asking,
    run: async (recorder) => {
      writeProjectSettings(recorder.cwd);
      await recorder.start();
      recorder.prompt("!shell ls\n!text Done.");
      await answerPermission(recorder, "allow");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  oneTurn(
    "deny-all",
    "No tool may be used, not even to read.",
    `!shell ls\n!write notes.txt Hello\n!text I may not.`,
    {
      input: { permissions: "deny-all" },
    },
  ),
  oneTurn(
    "deny-all-plain",
    "No tool may be used by a model that is offered them one by one.",
    `${tool("exec_command", { cmd: "ls" })}\n${tool("mcp__echo__echo", { text: "hi" })}\n${tool("list_mcp_resources", {})}\n!text I may not.`,
    { input: { permissions: "deny-all" }, ...plainTools, withEchoServer: true },
  ),
  {
    name: "question",
    about: "The agent asks, and is answered; no permission is asked for that.",
    ...asking,
    ...plainTools,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!ask Which colour? | Red | Blue\n!text Blue it is.");
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId, answers: { choice: "Blue" } });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "question-declined",
    about: "The agent asks, and the host declines.",
    ...plainTools,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!ask Which colour? | Red | Blue\n!text Then I choose.");
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
];

function writeProjectSettings(cwd: string): void {
  mkdirSync(`${cwd}/.codex/rules`, { recursive: true });
  writeFileSync(`${cwd}/AGENTS.md`, "Be brief.\n");
  writeFileSync(`${cwd}/.codex/rules/all.rules`, 'prefix_rule(pattern=["ls"], decision="allow")\n');
  writeFileSync(
    `${cwd}/.codex/config.toml`,
    `approval_policy = "never"\nsandbox_mode = "danger-full-access"\n[mcp_servers.own]\ncommand = "touch"\nargs = ["${cwd}/started"]\n`,
  );
}
