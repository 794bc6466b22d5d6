import { writeFileSync } from "node:fs";
import type { GeminiOptions } from "../../../../backends/gemini/index.ts";
import { oneTurn, tool, type Scenario } from "../../scenario.ts";

const echo = tool("mcp_echo_echo", { text: "hi" });

export const toolScenarios: readonly Scenario<GeminiOptions>[] = [
  oneTurn("tool-ok", "A command that succeeds.", "!text Let me see.\n!shell echo one\n!text Done."),
  oneTurn("tool-failed", "A command that fails without a word.", "!shell exit 3\n!text It failed."),
  oneTurn(
    "tool-failed-loudly",
    "A command that fails, which only its output tells.",
    "!shell ls nowhere\n!text It failed.",
  ),
  oneTurn("tool-blocked", "A command that the CLI does not run.", "!shell echo $(id)\n!text I may not."),
  oneTurn("tool-unknown", "A tool that does not exist.", `${tool("nonsense", {})}\n!text There is none.`),
  oneTurn(
    "tools-parallel",
    "Three calls in one answer.",
    "!shell echo one\n!also shell echo two\n!also shell echo three\n!text Done.",
  ),
  {
    name: "files",
    about: "A file is made, changed and read; another is not there.",
    run: async (recorder) => {
      await recorder.start();
      const change = {
        file_path: "notes.txt",
        old_string: "Hello",
        new_string: "Goodbye",
        instruction: "Change it",
      };
      await recorder.turn(
        [
          "!write notes.txt Hello",
          tool("replace", change),
          tool("read_file", { file_path: "notes.txt" }),
          tool("read_file", { file_path: "missing.txt" }),
          "!text Done.",
        ].join("\n"),
      );
      await recorder.close();
    },
  },
  {
    name: "mcp",
    about: "A tool of an MCP server. With a server the CLI does not end with its input.",
    withEchoServer: true,
    run: async (recorder) => {
      await recorder.start();
      await recorder.turn(`${echo}\n!text Echoed.`);
      await recorder.kill("SIGTERM");
    },
  },
  oneTurn(
    "allowed-tools",
    "Only one tool may be used.",
    `${tool("list_directory", { dir_path: "." })}\n!text Done.`,
    {
      input: { allowedTools: ["list_directory"] },
    },
  ),
  {
    name: "plan-mode",
    about: "The session plans: it may read, and nothing else.",
    input: { agentMode: "plan" },
    run: async (recorder) => {
      writeFileSync(`${recorder.cwd}/notes.txt`, "Hello\n");
      await recorder.start();
      await recorder.turn(
        `${tool("read_file", { file_path: "notes.txt" })}\n!write made.txt Hello\n!text Planned.`,
      );
      await recorder.close();
    },
  },
];
