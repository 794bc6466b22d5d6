import type { CodexOptions } from "../../../../backends/codex/index.ts";
import { processPerTurn, tool, type Scenario } from "../../scenario.ts";
import { withPlan } from "./directives.ts";

const turnMode = { mode: "turn" } as const;

function exec(
  name: string,
  about: string,
  prompts: readonly string[],
  rest: Partial<Scenario<CodexOptions>> = {},
): Scenario<CodexOptions> {
  return {
    name: `exec-${name}`,
    about,
    ...rest,
    options: { ...turnMode, ...rest.options },
    run: (recorder) => processPerTurn(recorder, ...prompts),
  };
}

export const execScenarios: readonly Scenario<CodexOptions>[] = [
  exec("text", "An answer in words, with thoughts.", ["!think Let me see.\n!text Hello."]),
  exec("tools", "Commands that succeed and fail, and a change of files.", [
    "!shell echo hello\n!shell exit 3\n!write notes.txt Hello\n!text Done.",
  ]),
  exec("mcp", "A tool of an MCP server.", [`${tool("mcp__echo__echo", { text: "hi" })}\n!text Echoed.`], {
    withEchoServer: true,
  }),
  exec(
    "plan",
    "The plan is made and changed.",
    [
      [
        tool("update_plan", {
          plan: [
            { step: "Look", status: "in_progress" },
            { step: "Leap", status: "pending" },
          ],
        }),
        "!text Planned.",
      ].join("\n"),
    ],
    withPlan,
  ),
  exec("resume", "Two turns in two processes; the usage of each is its own.", [
    "!usage input=10 output=5\n!text One.",
    "!usage input=20 output=7\n!recall",
  ]),
  exec("error", "The API fails, with no end.", ["!status 500 internal error"]),
  exec("429", "Too many requests.", ["!status 429 rate limit"]),
  exec("retry", "The connection breaks, once.", ["!text Now it\n!drop times 1\n!text Here it is."]),
  exec("deny-all", "No tool may be used.", ["!shell ls\n!write notes.txt Hello\n!text I may not."], {
    input: { permissions: "deny-all" },
  }),
  {
    name: "exec-resume-unknown",
    about: "The session to resume is not there.",
    options: turnMode,
    run: async (recorder) => {
      await recorder.start({
        resume: { nativeSessionId: "01a1fc87-ce4b-7fd2-8606-b4fb142298e3", fork: false },
        prompt: "!text Never said.",
      });
      await recorder.exited();
    },
  },
  {
    name: "exec-resume-nonsense",
    about: "The session to resume has an id that is none: Codex begins another one.",
    options: turnMode,
    run: async (recorder) => {
      await recorder.start({
        resume: { nativeSessionId: "nonsense", fork: false },
        prompt: "!text Said in another session.",
      });
      await recorder.exited();
    },
  },
  {
    name: "exec-fork",
    about: "A turn in a fork of the session: Codex does not tell its usage.",
    options: turnMode,
    run: async (recorder) => {
      await processPerTurn(recorder, "!text One.");
      await recorder.start({
        resume: { nativeSessionId: recorder.nativeSessionId, fork: true },
        prompt: "!recall",
      });
      await recorder.turnEnd();
      await recorder.exited();
    },
  },
  {
    name: "exec-interrupted",
    about: "The turn is interrupted by a signal.",
    options: turnMode,
    run: async (recorder) => {
      await recorder.start({ prompt: "!shell sleep 60\n!text Never said." });
      await recorder.next("tool.started");
      recorder.interrupt();
      await recorder.kill("SIGINT");
    },
  },
];
