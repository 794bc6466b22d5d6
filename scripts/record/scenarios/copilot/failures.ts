import type { CopilotOptions } from "../../../../backends/copilot/index.ts";
import { recordingKey, turns, type Scenario } from "../../scenario.ts";

/** A turn that fails or recovers, and one after it. */
function failing(name: string, about: string, prompt: string): Scenario<CopilotOptions> {
  return { name, about, waitMs: 60_000, run: (recorder) => turns(recorder, prompt, "!text After all.") };
}

export const failureScenarios: readonly Scenario<CopilotOptions>[] = [
  failing("api-401", "The model's API refuses the key.", "!status 401 Incorrect API key provided"),
  failing("api-404", "The model does not exist.", "!status 404 The model does not exist"),
  failing(
    "api-too-long",
    "The context is too long for the model.",
    "!status 400 This model's maximum context length is 8192 tokens",
  ),
  failing(
    "api-429-recovers",
    "Too many requests, twice, then an answer.",
    "!status 429 times 2 retry-after 1 Slow down\n!text Recovered.",
  ),
  failing("api-500", "The model's API fails, again and again.", "!status 500 The server had an error"),
  failing("api-dropped", "The connection breaks, once.", "!drop times 1\n!text Recovered."),
  failing("api-dropped-in-text", "The connection breaks in the middle of an answer.", "!text Half a\n!drop"),
  {
    name: "api-wrong-key",
    about: "A server that lets only another key in.",
    apiKey: `${recordingKey}-other`,
    run: (recorder) => turns(recorder, "!text Never said."),
  },
];
