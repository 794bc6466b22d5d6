import type { GeminiOptions } from "../../../../backends/gemini/index.ts";
import { oneTurn, turns, type Scenario } from "../../scenario.ts";

/** The pause lets what was said before arrive. */
export const droppedInText = "!slow 20\n!text Now it\n!wait 300\n!drop times 1\n!text Here it is.";
export const failsInText = "!slow 20\n!text Now it\n!status 503 times 1 overloaded\n!text Here it is.";
export const malformed = "!stop MALFORMED_FUNCTION_CALL\n!text Now it";

export const failureScenarios: readonly Scenario<GeminiOptions>[] = [
  oneTurn("api-401", "The key is refused.", "!text Never said.", { apiKey: "another-key" }),
  oneTurn("api-403", "The key may not use the model.", "!status 403 forbidden"),
  oneTurn("api-404", "The model does not exist.", "!status 404 models/x is not found"),
  oneTurn("api-400", "The request is refused.", "!status 400 bad request"),
  oneTurn(
    "api-bad-key",
    "The vendor's answer to a wrong key.",
    "!status 400 API key not valid. Please pass a valid API key.",
  ),
  oneTurn(
    "api-too-long",
    "The context is too long.",
    "!status 400 The input token count (9) exceeds the maximum number of tokens allowed (8).",
  ),
  oneTurn("api-429", "Too many requests, with no end.", "!status 429 Slow down"),
  oneTurn(
    "api-429-recovers",
    "Too many requests, once.",
    "!status 429 times 1 retry-after 1 Slow down\n!text Here it is.",
  ),
  oneTurn("api-500", "The API fails, with no end.", "!status 500 internal error"),
  oneTurn("api-503", "The model is overloaded, with no end.", "!status 503 overloaded"),
  oneTurn("api-dropped", "The connection breaks, with no end.", "!drop"),
  oneTurn("api-dropped-in-text", "The connection breaks in the middle of a text.", droppedInText),
  oneTurn("api-503-in-text", "The API fails in the middle of a text, once.", failsInText),
  oneTurn("api-503-in-text-at-once", "As before, where nothing is tried again.", failsInText, {
    options: { settings: { general: { maxAttempts: 1 } } },
  }),
  oneTurn("api-malformed", "The model's answers cannot be used, with no end.", malformed),
  {
    name: "api-recovers",
    about: "The session goes on after a turn that failed.",
    run: (recorder) => turns(recorder, "!text One.", "!status 400 bad request", "!recall"),
  },
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
    name: "terminated",
    about: "The CLI is told to end in the middle of a turn.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!text Now it\n!hang");
      await recorder.next("message.delta");
      await recorder.kill("SIGTERM");
    },
  },
  {
    name: "start-no-key",
    about: "There is no key.",
    options: { env: { GEMINI_API_KEY: "" } },
    run: async (recorder) => {
      await recorder.start();
      await recorder.exited();
    },
  },
  {
    name: "start-bad-flag",
    about: "An argument that the CLI does not know.",
    options: { extraArgs: ["--nonsense"] },
    run: async (recorder) => {
      await recorder.start();
      await recorder.exited();
    },
  },
];
