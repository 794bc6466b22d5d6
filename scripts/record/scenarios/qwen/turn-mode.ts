import type { QwenOptions } from "../../../../backends/qwen/index.ts";
import { longAnswer, processPerTurn, tool, type Scenario } from "../../scenario.ts";
import { unknownSession } from "./sessions.ts";
import { subAgent } from "./tools.ts";

/** One turn in a process of its own. */
function one(
  name: string,
  about: string,
  prompt: string,
  rest: Partial<Scenario<QwenOptions>> = {},
): Scenario<QwenOptions> {
  return {
    name: `turn-mode-${name}`,
    about,
    waitMs: 60_000,
    ...rest,
    options: { mode: "turn", ...rest.options },
    run: (recorder) => processPerTurn(recorder, prompt),
  };
}

export const turnModeScenarios: readonly Scenario<QwenOptions>[] = [
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
    `!write notes.txt Hello\n${subAgent}\n!text Done.`,
  ),
  one("mcp", "The tool of an MCP server.", `${tool("mcp__echo__echo", { text: "hi" })}\n!text Done.`, {
    withEchoServer: true,
  }),
  one(
    "deny-all",
    "No tool is offered, and none that is called all the same runs.",
    `${tool("run_shell_command", { command: "touch made", is_background: false })}\n!text Done.`,
    { input: { permissions: "deny-all" } },
  ),
  one("api-401", "The key is refused.", "!text Never said.", { apiKey: "another-key" }),
  one("api-429-recovers", "Too many requests, once.", "!status 429 times 1 Slow down\n!text Here it is."),
  {
    name: "turn-mode-interrupt",
    about: "The process is told to end in the middle of an answer; the next one goes on.",
    options: { mode: "turn" },
    run: async (recorder) => {
      await recorder.start({ prompt: longAnswer });
      await recorder.next("message.delta");
      recorder.interrupt();
      await recorder.kill("SIGINT");
      await recorder.start({
        resume: { nativeSessionId: recorder.nativeSessionId, fork: false },
        prompt: "!text Fresh.",
      });
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
