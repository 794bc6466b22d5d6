import type { CopilotOptions } from "../../../../backends/copilot/index.ts";
import { longAnswer, processPerTurn, tool, type Scenario } from "../../scenario.ts";

const unknownSession = { nativeSessionId: "01a1fc87-ce4b-4fd2-8606-b4fb142298e3", fork: false };

/** One turn in a process of its own. */
function one(
  name: string,
  about: string,
  prompt: string,
  rest: Partial<Scenario<CopilotOptions>> = {},
): Scenario<CopilotOptions> {
  return {
    name: `turn-mode-${name}`,
    about,
    waitMs: 60_000,
    ...rest,
    options: { mode: "turn", ...rest.options },
    run: (recorder) => processPerTurn(recorder, prompt),
  };
}

export const turnModeScenarios: readonly Scenario<CopilotOptions>[] = [
  {
    name: "turn-mode",
    about: "A process for each turn: words and thoughts, a command, and what was said before.",
    options: { mode: "turn" },
    run: (recorder) =>
      processPerTurn(
        recorder,
        "!usage input=10 output=5 cacheRead=4\n!think Hm.\n!text One.",
        "!usage input=20 output=7\n!shell echo hello; exit 3\n!text Two.",
        "!recall",
      ),
  },
  one(
    "files",
    "A file is written, and a sub-agent looks around.",
    `!write notes.txt Hello\n${tool("task", {
      agent_type: "explore",
      description: "Look around",
      prompt: "!shell echo below\n!text Nothing there.",
      name: "looker",
      mode: "sync",
    })}\n!text Done.`,
  ),
  one("mcp", "The tool of an MCP server.", `${tool("echo-echo", { text: "hi" })}\n!text Done.`, {
    withEchoServer: true,
  }),
  one(
    "deny-all",
    "No tool is offered, and none that is called all the same runs.",
    `${tool("bash", { command: "touch denied", description: "Try" })}\n!text Done.`,
    { input: { permissions: "deny-all" } },
  ),
  one("api-401", "The model's API refuses the key.", "!status 401 Incorrect API key provided"),
  one("api-500-recovers", "The model's API fails once.", "!status 500 times 1 Oops\n!text Recovered."),
  {
    name: "turn-mode-interrupt",
    about: "The process is told to end in the middle of an answer; the next one remembers.",
    options: { mode: "turn" },
    run: async (recorder) => {
      await recorder.start({ prompt: longAnswer });
      await recorder.next("message.delta");
      recorder.interrupt();
      await recorder.kill("SIGINT");
      await recorder.start({ prompt: "!recall" });
      await recorder.turnEnd();
      await recorder.exited();
    },
  },
  {
    name: "turn-mode-killed",
    about: "The process is killed in the middle of an answer.",
    options: { mode: "turn" },
    run: async (recorder) => {
      await recorder.start({ prompt: longAnswer });
      await recorder.next("message.delta");
      await recorder.kill("SIGKILL");
    },
  },
  {
    name: "turn-mode-resume-unknown",
    about: "The session to resume is not there for a process of its own.",
    options: { mode: "turn" },
    run: async (recorder) => {
      await recorder.start({ resume: unknownSession, prompt: "!text Never said." });
      await recorder.exited();
    },
  },
];
