import type { CodexOptions } from "../../../../backends/codex/index.ts";
import { oneTurn, pixel, tool, type Scenario } from "../../scenario.ts";
import { plainTools, withPlan, patch } from "./directives.ts";

export const toolScenarios: readonly Scenario<CodexOptions>[] = [
  oneTurn("tool-ok", "A command that succeeds.", "!shell echo hello\n!text Done."),
  oneTurn("tool-error", "A command that fails.", "!shell echo oops >&2; exit 3\n!text It failed."),
  oneTurn(
    "tool-streamed",
    "A command that speaks in pieces.",
    "!shell echo one; sleep 0.4; echo two\n!text Done.",
  ),
  oneTurn(
    "tools-in-a-row",
    "Calls that wait for each other.",
    "!shell echo one\n!shell echo two\n!text Both.",
  ),
  oneTurn(
    "tools-parallel",
    "Two calls in one answer.",
    "!shell sleep 0.2; echo one\n!also shell sleep 0.2; echo two\n!text Both.",
    plainTools,
  ),
  oneTurn(
    "tool-plain",
    "A model without the composing tool calls the shell.",
    "!shell echo hello\n!text Done.",
    plainTools,
  ),
  oneTurn(
    "tool-unknown",
    "A tool that does not exist.",
    "!tool nonsense {}\n!text There is none.",
    plainTools,
  ),
  oneTurn(
    "files",
    "Files are added, changed, moved and deleted.",
    [
      patch("*** Add File: notes.txt", "+one", "+two"),
      patch("*** Update File: notes.txt", "@@", " one", "-two", "+2"),
      patch("*** Update File: notes.txt", "*** Move to: moved.txt", "@@", " one", "-2", "+zwei"),
      patch("*** Delete File: moved.txt"),
      patch("*** Delete File: missing.txt"),
      "!text Done.",
    ].join("\n"),
  ),
  oneTurn(
    "plan",
    "The plan is made and changed.",
    [
      tool("update_plan", {
        plan: [
          { step: "Look", status: "in_progress" },
          { step: "Leap", status: "pending" },
        ],
      }),
      tool("update_plan", {
        plan: [
          { step: "Look", status: "completed" },
          { step: "Leap", status: "in_progress" },
        ],
      }),
      "!text Planned.",
    ].join("\n"),
    withPlan,
  ),
  oneTurn(
    "sub-agent",
    "A sub-agent speaks and uses a tool.",
    `${tool("spawn_agent", { message: "!shell echo inside\n!text Nothing there." })}\n!wait 1500\n!text The sub-agent is back.`,
    plainTools,
  ),
  oneTurn("mcp", "A tool of an MCP server.", `${tool("mcp__echo__echo", { text: "hi" })}\n!text Echoed.`, {
    withEchoServer: true,
  }),
  {
    name: "background-command",
    about: "A command goes on when its turn is over, and ends while nobody waits for it.",
    ...plainTools,
    run: async (recorder) => {
      await recorder.start();
      const input = { cmd: "sleep 1; echo late; exit 4", yield_time_ms: 250 };
      await recorder.turn(`${tool("exec_command", input)}\n!text It runs.`);
      await recorder.said('"exitCode":4');
      await recorder.turn("!text Next.");
      await recorder.close();
    },
  },
  oneTurn(
    "image",
    "The agent looks at an image.",
    `!shell echo ${pixel} | base64 -d > a.png\n${tool("view_image", { path: "a.png" })}\n!text Seen.`,
  ),
];
