import type { CodexOptions } from "../../../../backends/codex/index.ts";
import { oneTurn, type Scenario } from "../../scenario.ts";

export const failureScenarios: readonly Scenario<CodexOptions>[] = [
  oneTurn("api-401", "The key is refused.", "!text Never said.", { apiKey: "another-key" }),
  oneTurn("api-403", "The key may not use the model.", "!status 403 forbidden"),
  oneTurn("api-404", "The model does not exist.", "!status 404 The model does not exist"),
  oneTurn("api-400", "The request is refused.", "!status 400 bad request"),
  oneTurn("api-429", "Too many requests, with no end.", "!status 429 rate limit"),
  oneTurn(
    "api-429-once",
    "Too many requests, once: Codex does not try again.",
    "!status 429 times 1 rate limit\n!text Never said.",
  ),
  oneTurn(
    "api-429-recovers",
    "Too many requests in the middle of an answer, once.",
    "!text Now it\n!status 429 times 1 rate limit\n!text Here it is.",
  ),
  oneTurn("api-500", "The API fails, with no end.", "!status 500 internal error"),
  oneTurn(
    "api-500-recovers",
    "The API fails, once.",
    "!status 500 times 1 internal error\n!text Here it is.",
  ),
  oneTurn("api-503", "The model is overloaded.", "!status 503 overloaded"),
  oneTurn("api-dropped", "The connection breaks, with no end.", "!drop"),
  oneTurn(
    "api-dropped-in-text",
    "The connection breaks in the middle of a text, once.",
    "!text Now it\n!drop times 1\n!text Here it is.",
  ),
  oneTurn("api-unreachable", "Nobody listens at the API's address.", "!text Never said.", {
    options: { config: { "model_providers.playpen.base_url": "http://127.0.0.1:9/v1" } },
  }),
  {
    name: "killed",
    about: "The CLI is killed in the middle of a turn.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!text Now it\n!hang");
      await recorder.next("message.delta");
      await recorder.kill("SIGKILL");
    },
  },
  {
    name: "start-bad-flag",
    about: "The CLI does not know an argument.",
    options: { extraArgs: ["--nonsense"] },
    run: (recorder) => recorder.start(),
  },
  {
    name: "start-bad-config",
    about: "The CLI cannot read a setting.",
    options: { config: { sandbox_mode: "nonsense" } },
    run: async (recorder) => {
      await recorder.start();
      await recorder.close();
    },
  },
];
