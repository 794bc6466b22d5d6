import type { QwenOptions } from "../../../../backends/qwen/index.ts";
import { oneTurn, tool, turns, type Scenario } from "../../scenario.ts";

export const subAgent = tool("agent", {
  description: "Look around",
  prompt: "!text Looking.\n!shell echo below\n!text Nothing there.",
  subagent_type: "general-purpose",
});

export const toolScenarios: readonly Scenario<QwenOptions>[] = [
  oneTurn("tool-ok", "A command that succeeds.", "!shell echo out; echo err >&2\n!text Done."),
  oneTurn("tool-error", "A command that fails.", "!shell echo out; exit 3\n!text Done."),
  oneTurn(
    "tool-streamed",
    "A command that prints over time.",
    "!shell for i in 1 2 3; do echo $i; sleep 0.3; done\n!text Done.",
  ),
  oneTurn("tool-unknown", "A tool that is not there.", `${tool("nothing", {})}\n!text Done.`),
  oneTurn("tools-in-a-row", "One call after the other.", "!shell echo one\n!shell echo two\n!text Done."),
  oneTurn("tools-parallel", "Two calls in one answer.", "!shell echo one\n!also shell echo two\n!text Done."),
  {
    name: "files",
    about: "A file is made, changed and written anew.",
    run: async (recorder) => {
      const file_path = `${recorder.cwd}/notes.txt`;
      await turns(
        recorder,
        [
          tool("write_file", { file_path, content: "one\ntwo\nthree\n" }),
          tool("edit", { file_path, old_string: "two", new_string: "2" }),
          tool("write_file", { file_path, content: "again\n" }),
          tool("read_file", { file_path }),
          "!text Done.",
        ].join("\n"),
      );
    },
  },
  oneTurn(
    "plan",
    "A list of things to do.",
    `${tool("todo_write", {
      todos: [
        { id: "1", content: "Look", status: "completed", priority: "high" },
        { id: "2", content: "Leap", status: "in_progress", priority: "low" },
        { id: "3", content: "Land", status: "pending", priority: "medium" },
      ],
    })}\n!text Done.`,
  ),
  oneTurn("sub-agent", "A sub-agent speaks and runs a command.", `${subAgent}\n!text Done.`),
  oneTurn("mcp", "The tool of an MCP server.", `${tool("mcp__echo__echo", { text: "hi" })}\n!text Done.`, {
    withEchoServer: true,
  }),
  oneTurn("mcp-failed", "An MCP server that does not start.", "!text Done.", {
    input: { mcpServers: { broken: { type: "stdio", command: "/no/such/server" } } },
  }),
  oneTurn(
    "allowed-tools",
    "Only some tools are offered.",
    `${tool("run_shell_command", { command: "echo no", is_background: false })}\n!text Done.`,
    { input: { allowedTools: ["read_file"] } },
  ),
  oneTurn(
    "skill",
    "A skill is offered, and taken up.",
    `${tool("skill", { skill: "greeting" })}\n!text Done.`,
    {
      input: {
        skills: [
          {
            name: "greeting",
            files: { "SKILL.md": "---\nname: greeting\ndescription: Greets people.\n---\nSay hello.\n" },
          },
        ],
      },
    },
  ),
];
