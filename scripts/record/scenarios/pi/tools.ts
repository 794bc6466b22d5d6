import type { PiOptions } from "../../../../backends/pi/index.ts";
import { oneTurn, tool, turns, type Scenario } from "../../scenario.ts";

export const toolScenarios: readonly Scenario<PiOptions>[] = [
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
      const path = `${recorder.cwd}/notes.txt`;
      const edits = [{ oldText: "two", newText: "2" }];
      await turns(
        recorder,
        [
          tool("write", { path, content: "one\ntwo\nthree\n" }),
          tool("edit", { path: "notes.txt", edits }),
          tool("write", { path, content: "again\n" }),
          tool("read", { path }),
          "!text Done.",
        ].join("\n"),
      );
    },
  },
  oneTurn(
    "allowed-tools",
    "Only some tools are offered.",
    `${tool("bash", { command: "echo no" })}\n!text Done.`,
    {
      input: { allowedTools: ["read"] },
    },
  ),
  oneTurn("skill", "A skill is offered.", "!text Done.", {
    input: {
      skills: [
        {
          name: "greeting",
          files: { "SKILL.md": "---\nname: greeting\ndescription: Greets people.\n---\nSay hello.\n" },
        },
      ],
    },
  }),
];
