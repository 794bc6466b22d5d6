import type { CopilotOptions } from "../../../../backends/copilot/index.ts";
import { oneTurn, tool, type Scenario } from "../../scenario.ts";

const patch = ["*** Begin Patch", "*** Update File: notes.txt", "@@", "-one", "+two", "*** End Patch"].join(
  "\n",
);
const deletion = ["*** Begin Patch", "*** Delete File: notes.txt", "*** End Patch"].join("\n");

export const toolScenarios: readonly Scenario<CopilotOptions>[] = [
  oneTurn("tool-ok", "A command that succeeds.", "!shell echo hello\n!text Done."),
  oneTurn("tool-error", "A command that fails.", "!shell echo oops; exit 3\n!text Done."),
  oneTurn(
    "tool-streamed",
    "A command whose output comes in parts, on both streams.",
    "!shell echo one; sleep 0.3; echo two >&2; sleep 0.3; echo three\n!text Done.",
  ),
  oneTurn("tool-unknown", "A tool that does not exist.", `${tool("nothing", { path: "/" })}\n!text Done.`),
  oneTurn(
    "tools-parallel",
    "Two commands in one answer.",
    "!shell sleep 0.2; echo one\n!also shell echo two\n!text Done.",
  ),
  oneTurn(
    "files",
    "A file is added, changed and deleted.",
    `!write notes.txt one\n${tool("apply_patch", patch)}\n${tool("apply_patch", deletion)}\n!text Done.`,
  ),
  oneTurn(
    "plan",
    "The agent keeps a list of what is to be done.",
    [
      tool("sql", {
        description: "Plan",
        query:
          "INSERT INTO todos (id, title, status) VALUES ('a', 'First', 'in_progress'), ('b', 'Second', 'pending')",
      }),
      tool("sql", { description: "Progress", query: "UPDATE todos SET status = 'done' WHERE id = 'a'" }),
      "!text Done.",
    ].join("\n"),
  ),
  oneTurn(
    "subagent",
    "A sub-agent runs a command and answers.",
    `${tool("task", {
      agent_type: "explore",
      description: "Look around",
      prompt: "!shell echo below\n!text Nothing there.",
      name: "looker",
      mode: "sync",
    })}\n!text Done.`,
  ),
  oneTurn("mcp", "The tool of an MCP server.", `${tool("echo-echo", { text: "hi" })}\n!text Done.`, {
    withEchoServer: true,
  }),
  oneTurn("mcp-failed", "An MCP server that cannot be started.", "!text Done.", {
    input: { mcpServers: { broken: { type: "stdio", command: "playpen-no-such-command" } } },
  }),
  {
    name: "background-command",
    about: "A command in the background ends between two turns, and the agent answers that.",
    run: async (recorder) => {
      await recorder.start();
      const command = { command: "sleep 1; echo late", description: "Wait", mode: "async" };
      await recorder.turn(`${tool("bash", command)}\n!text Started.`);
      await recorder.said('"toolName":"read_bash"');
      await recorder.turn("!text Next.");
      await recorder.close();
    },
  },
];
