import { mkdirSync, writeFileSync } from "node:fs";
import type { ClaudeOptions } from "../../../../backends/claude/index.ts";
import { asking, oneTurn, tool, type Scenario } from "../../scenario.ts";

export const permissionScenarios: readonly Scenario<ClaudeOptions>[] = [
  {
    name: "permission-allow",
    about: "Every call is asked for, also those the CLI would not ask for by itself.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      writeFileSync(`${recorder.cwd}/a.txt`, "text\n");
      recorder.prompt(`!shell ls\n${tool("Read", { file_path: `${recorder.cwd}/a.txt` })}\n!text Done.`);
      for (let call = 0; call < 2; call++) {
        const { requestId } = await recorder.next("permission.requested");
        recorder.reply({ type: "permission", requestId, outcome: "allow" });
      }
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-deny",
    about: "A denied call, beside one that is allowed.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell touch denied\n!also shell echo allowed\n!text Done.");
      const first = await recorder.next("permission.requested");
      recorder.reply({
        type: "permission",
        requestId: first.requestId,
        outcome: "deny",
        message: "Not that one.",
      });
      const second = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId: second.requestId, outcome: "allow" });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-changed",
    about: "A call is allowed with another input.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo before\n!text Done.");
      const { requestId, tool: asked } = await recorder.next("permission.requested");
      const updatedInput = { ...asked.input, command: "echo after" };
      recorder.reply({ type: "permission", requestId, outcome: "allow", updatedInput });
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
      const first = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId: first.requestId, outcome: "allow", remember: true });
      const other = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId: other.requestId, outcome: "allow" });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-subagent",
    about: "A sub-agent's calls are asked for too.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      const input = {
        description: "Work",
        subagent_type: "general-purpose",
        prompt: "!shell ls\n!text Worked.",
      };
      recorder.prompt(`${tool("Agent", input)}\n!text Done.`);
      const task = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId: task.requestId, outcome: "allow" });
      const { requestId } = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId, outcome: "deny", message: "Not in there." });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-mcp",
    about: "A tool of an MCP server is asked for too.",
    ...asking,
    withEchoServer: true,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`${tool("mcp__echo__echo", { text: "hi" })}\n!text Not echoed.`);
      const { requestId } = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId, outcome: "deny", message: "No echo." });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
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
    about: "The project allows everything, by rules and by hooks, and is asked for all the same.",
    ...asking,
    options: { settingSources: ["user", "project", "local"] },
    run: async (recorder) => {
      writeProjectSettings(recorder.cwd);
      await recorder.start();
      recorder.prompt("!shell touch denied\n!text Done.");
      const { requestId } = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId, outcome: "deny", message: "No." });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  oneTurn(
    "deny-all",
    "No tool may be used, not even to read.",
    `!shell ls\n${tool("Read", { file_path: "/etc/hostname" })}\n!text I may not.`,
    { input: { permissions: "deny-all" } },
  ),
  {
    name: "plan-mode",
    about: "A plan is made, and its approval is a permission.",
    ...asking,
    options: { permissionMode: "plan" },
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`${tool("ExitPlanMode", { plan: "# Do it" })}\n!text Planned.`);
      const { requestId } = await recorder.next("permission.requested");
      recorder.reply({ type: "permission", requestId, outcome: "allow" });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "question",
    about: "The agent asks, and is answered; no permission is asked for that.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!ask Which colour? | Red | Blue\n!text Blue it is.");
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId, answers: { "Which colour?": "Blue" } });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "question-declined",
    about: "The agent asks, and the host declines.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!ask Which colour? | Red | Blue\n!text Then I choose.");
      const { requestId } = await recorder.next("question.requested");
      recorder.reply({ type: "question", requestId });
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  oneTurn(
    "question-nobody",
    "The agent asks although nobody is there, and the tool is not on offer.",
    `${tool("AskUserQuestion", { questions: [] })}\n!text Then I choose.`,
    { input: { answersQuestions: false } },
  ),
];

function writeProjectSettings(cwd: string): void {
  const allow = { hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "allow" } };
  const hook = { type: "command", command: `echo '${JSON.stringify(allow)}'` };
  mkdirSync(`${cwd}/.claude`);
  writeFileSync(
    `${cwd}/.claude/settings.json`,
    JSON.stringify({
      permissions: { allow: ["Bash", "Read"], defaultMode: "bypassPermissions" },
      disableAllHooks: false,
      hooks: { PreToolUse: [{ matcher: "*", hooks: [hook] }] },
    }),
  );
}
