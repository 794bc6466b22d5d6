import type { ClaudeOptions } from "../../../../backends/claude/index.ts";
import { oneTurn, tool, turns, type Scenario } from "../../scenario.ts";

export const toolScenarios: readonly Scenario<ClaudeOptions>[] = [
  oneTurn("tool-ok", "A command that succeeds.", "!shell echo hello\n!text Done."),
  oneTurn("tool-error", "A command that fails.", "!shell echo oops >&2; exit 3\n!text It failed."),
  oneTurn("tools-parallel", "Two calls in one answer.", "!shell echo one\n!also shell echo two\n!text Both."),
  oneTurn(
    "tools-in-a-row",
    "Calls that wait for each other.",
    "!shell echo one\n!shell echo two\n!text Both.",
  ),
  oneTurn("tool-unknown", "A tool that does not exist.", "!tool Nonsense {}\n!text There is none."),
  {
    name: "files",
    about: "A file is created, read, edited and written over.",
    run: (recorder) => {
      const file_path = `${recorder.cwd}/notes.txt`;
      return turns(
        recorder,
        [
          tool("Write", { file_path, content: "one\ntwo\n" }),
          tool("Read", { file_path }),
          tool("Edit", { file_path, old_string: "two", new_string: "2" }),
          tool("Write", { file_path, content: "new\n" }),
          "!text Done.",
        ].join("\n"),
      );
    },
  },
  oneTurn(
    "plan",
    "The to-do list is made and changed.",
    [
      tool("TaskCreate", { subject: "Look", description: "Look at it" }),
      tool("TaskCreate", { subject: "Leap", description: "Then leap" }),
      tool("TaskUpdate", { taskId: "1", status: "completed" }),
      tool("TaskUpdate", { taskId: "2", status: "in_progress" }),
      tool("TaskList", {}),
      "!text Planned.",
    ].join("\n"),
  ),
  oneTurn(
    "subagent",
    "A sub-agent thinks, speaks and uses a tool.",
    `${tool("Agent", {
      description: "Look around",
      subagent_type: "general-purpose",
      prompt: "!think Where am I?\n!text I look.\n!shell echo inside\n!text Nothing there.",
    })}\n!text The sub-agent is back.`,
  ),
  {
    name: "mcp",
    about: "A tool of an MCP server.",
    withEchoServer: true,
    run: (recorder) => turns(recorder, `${tool("mcp__echo__echo", { text: "hi" })}\n!text Echoed.`),
  },
  {
    name: "compaction",
    about: "The conversation is compacted by command.",
    run: (recorder) => turns(recorder, "!text One.", "!text Two.", "/compact", "!text Three."),
  },
  {
    name: "background-task",
    about: "A command goes on after its turn; the agent speaks of its end while the next prompt waits.",
    run: async (recorder) => {
      await recorder.start();
      const input = { command: "sleep 1; echo late", run_in_background: true };
      await recorder.turn(`${tool("Bash", input)}\n!text It runs.`);
      await recorder.next("agent.notice");
      await recorder.turn("!slow 20\n!text The next answer, in quite some words, so that it takes its time.");
      await recorder.close();
    },
  },
];
