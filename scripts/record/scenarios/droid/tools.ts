import type { DroidOptions } from "../../../../backends/droid/index.ts";
import { oneTurn, tool, turns, type Scenario } from "../../scenario.ts";

export const toolScenarios: readonly Scenario<DroidOptions>[] = [
  oneTurn("tool-ok", "A command that succeeds.", "!shell echo out; echo err >&2\n!text Done."),
  oneTurn("tool-silent", "A command that prints nothing.", "!shell true\n!text Done."),
  oneTurn("tool-error", "A command that fails.", "!shell echo out; exit 3\n!text Done."),
  oneTurn(
    "tool-streamed",
    "A command that prints over time.",
    "!shell for i in 1 2 3; do echo $i; sleep 0.3; done\n!text Done.",
  ),
  oneTurn("tool-unknown", "A tool that is not there.", `${tool("Nothing", {})}\n!text Done.`),
  oneTurn("tools-in-a-row", "One call after the other.", "!shell echo one\n!shell echo two\n!text Done."),
  oneTurn("tools-parallel", "Two calls in one answer.", "!shell echo one\n!also shell echo two\n!text Done."),
  {
    name: "files",
    about: "A file is made, changed, read and written anew.",
    run: async (recorder) => {
      const path = `${recorder.cwd}/notes.txt`;
      await turns(
        recorder,
        [
          tool("Create", { file_path: path, content: "one\ntwo\nthree\n" }),
          tool("Edit", { file_path: path, old_str: "two", new_str: "2" }),
          tool("Read", { file_path: path }),
          tool("Create", { file_path: path, content: "again\n" }),
          "!text Done.",
        ].join("\n"),
      );
    },
  },
  oneTurn(
    "plan",
    "The agent keeps a plan.",
    [
      tool("TodoWrite", { todos: "1. [completed] First\n2. [in_progress] Second\n3. [pending] Third" }),
      "!text Done.",
    ].join("\n"),
  ),
  oneTurn(
    "mcp",
    "A tool of an MCP server, which Droid offers once the model has looked it up.",
    [
      tool("ToolSearch", { query: "select:echo___echo" }),
      tool("echo___echo", { text: "hi" }),
      "!text Done.",
    ].join("\n"),
    { withEchoServer: true },
  ),
  oneTurn("mcp-failed", "An MCP server that does not start.", "!text Done.", {
    input: { mcpServers: { broken: { type: "stdio", command: "/nonexistent/server" } } },
  }),
  oneTurn(
    "subagent",
    "A sub-agent runs a command.",
    `${tool("Task", { subagent_type: "worker", description: "Look", prompt: "!shell echo inner\n!text Nothing there.", run_in_background: false })}\n!text Done.`,
  ),
  oneTurn(
    "skill",
    "A skill is offered, and taken up.",
    `${tool("Skill", { skill: "greeting" })}\n!text Done.`,
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
