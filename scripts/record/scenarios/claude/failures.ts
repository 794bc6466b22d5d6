import type { ClaudeOptions } from "../../../../backends/claude/index.ts";
import { longAnswer, oneTurn, turns, type Scenario } from "../../scenario.ts";

export const failureScenarios: readonly Scenario<ClaudeOptions>[] = [
  oneTurn("api-401", "The key is refused.", "!status 401 invalid x-api-key"),
  oneTurn("api-403", "The key may not do that.", "!status 403 not allowed"),
  oneTurn("api-404", "The model does not exist.", "!status 404 model: nope"),
  oneTurn("api-429", "Too many requests, for too long.", "!status 429 Slow down"),
  oneTurn("api-429-recovers", "Too many requests, once.", "!status 429 times 1 Slow down\n!text Better now."),
  oneTurn("api-500", "The API fails.", "!status 500 oops"),
  oneTurn("api-529", "The API is overloaded.", "!status 529 Overloaded"),
  oneTurn(
    "api-overloaded-in-text",
    "The API fails in the middle of an answer.",
    "!text Half\n!status 529 times 1 Overloaded",
  ),
  oneTurn(
    "api-too-long",
    "The prompt is too long.",
    "!status 400 prompt is too long: 205000 tokens > 200000 maximum",
  ),
  oneTurn("api-dropped", "The connection is closed.", "!drop"),
  oneTurn(
    "api-dropped-in-text",
    "The connection is closed once, in the middle of an answer.",
    "!text Half\n!drop times 1",
  ),
  oneTurn("max-turns", "The agent may make one round only.", "!shell ls\n!shell ls\n!text Never said.", {
    options: { maxTurns: 1 },
  }),
  {
    name: "max-budget",
    about: "The money is used up, for the next turn too.",
    options: { maxBudgetUsd: 0.000_01 },
    run: (recorder) => turns(recorder, "!shell ls\n!text Never said.", "!text Never said either."),
  },
  {
    name: "killed",
    about: "The CLI is killed in the middle of a text.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(longAnswer);
      await recorder.next("message.delta");
      await recorder.kill("SIGKILL");
    },
  },
  {
    name: "terminated",
    about: "The CLI is told to end while a command runs.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell sleep 60\n!text Never said.");
      await recorder.next("tool.started");
      await recorder.kill("SIGTERM");
    },
  },
  {
    name: "start-bad-flag",
    about: "An argument the CLI does not know.",
    options: { extraArgs: ["--no-such-flag"] },
    run: (recorder) => recorder.start(),
  },
  {
    name: "start-root",
    about: "Root may not bypass permissions without the variable for it.",
    options: { env: { IS_SANDBOX: "0" } },
    run: (recorder) => recorder.start(),
  },
];
