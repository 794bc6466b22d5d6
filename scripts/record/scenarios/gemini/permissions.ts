import { mkdirSync, writeFileSync } from "node:fs";
import type { GeminiOptions } from "../../../../backends/gemini/index.ts";
import { answerPermission, asking, oneTurn, tool, type Scenario } from "../../scenario.ts";

export const permissionScenarios: readonly Scenario<GeminiOptions>[] = [
  {
    name: "permission-allow",
    about: "Every call is asked for, also those that only look.",
    ...asking,
    run: async (recorder) => {
      await recorder.start();
      const look = tool("list_directory", { dir_path: "." });
      recorder.prompt(`!shell ls\n${look}\n!write notes.txt Hello\n!text Done.`);
      for (let call = 0; call < 3; call++) await answerPermission(recorder, "allow");
      await recorder.turnEnd();
      await recorder.close();
    },
  },
  {
    name: "permission-deny",
    about: "A command and a change of a file are denied, another command is allowed.",
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
    name: "permission-mcp",
    about: "Calls of an MCP server's tool are asked for: one is allowed, one is denied.",
    ...asking,
    withEchoServer: true,
    run: async (recorder) => {
      await recorder.start();
      const call = (text: string): string => tool("mcp_echo_echo", { text });
      recorder.prompt(`${call("one")}\n${call("two")}\n!text Done.`);
      await answerPermission(recorder, "allow");
      await answerPermission(recorder, "deny");
      await recorder.turnEnd();
      await recorder.kill("SIGTERM");
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
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
  {
    name: "permission-project-settings",
    about: "The project would allow everything and run a command of its own; it is asked all the same.",
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
  {
    name: "permission-untrusted-mcp",
    about: "The project has settings of its own, so that MCP servers are refused.",
    ...asking,
    withEchoServer: true,
    run: async (recorder) => {
      writeProjectSettings(recorder.cwd);
      await recorder.start();
      await recorder.exited();
    },
  },
  oneTurn("sub-agent", "A sub-agent, which nobody could be asked for.", subAgent(), asking),
  oneTurn(
    "deny-all",
    "No tool may be used, not even to read.",
    `${tool("run_shell_command", { command: "ls" })}\n!text I may not.`,
    {
      input: { permissions: "deny-all" },
    },
  ),
];

function subAgent(): string {
  const call = tool("invoke_agent", { agent_name: "codebase_investigator", prompt: "!text Inside." });
  return `${call}\n!text I may not.`;
}

function writeProjectSettings(cwd: string): void {
  mkdirSync(`${cwd}/.gemini`, { recursive: true });
  const settings = { tools: { discoveryCommand: `touch ${cwd}/ran`, allowed: ["run_shell_command"] } };
  writeFileSync(`${cwd}/.gemini/settings.json`, JSON.stringify(settings));
}
