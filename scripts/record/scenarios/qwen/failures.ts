import type { QwenOptions } from "../../../../backends/qwen/index.ts";
import { oneTurn, type Scenario } from "../../scenario.ts";

export const failureScenarios: readonly Scenario<QwenOptions>[] = [
  oneTurn("api-401", "The key is refused.", "!text Never said.", { apiKey: "another-key" }),
  oneTurn("api-403", "The key may not use the model.", "!status 403 forbidden"),
  oneTurn("api-404", "The model does not exist.", "!status 404 The model does not exist"),
  oneTurn("api-400", "The request is refused.", "!status 400 bad request"),
  oneTurn(
    "api-too-long",
    "The context is too long, also when it was made shorter.",
    "!status 400 maximum context length exceeded",
  ),
  oneTurn("api-429", "Too many requests, with no end.", "!status 429 Slow down", { waitMs: 180_000 }),
  oneTurn("api-429-recovers", "Too many requests, once.", "!status 429 times 1 Slow down\n!text Here it is."),
  oneTurn(
    "api-500-recovers",
    "The API fails, once.",
    "!status 500 times 1 internal error\n!text Here it is.",
  ),
  oneTurn("api-503", "The model is overloaded, once.", "!status 503 times 1 overloaded\n!text Here it is."),
  oneTurn("api-dropped", "The connection breaks, with no end.", "!drop", { waitMs: 180_000 }),
  oneTurn(
    "api-dropped-in-text",
    "The connection breaks in the middle of a text, once.",
    "!text Now it\n!drop times 1\n!text Here it is.",
    { waitMs: 180_000 },
  ),
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
    name: "killed-in-tool",
    about: "The CLI is killed while a command runs.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell echo begun; sleep 60");
      await recorder.next("tool.started");
      await recorder.kill("SIGKILL");
    },
  },
  {
    name: "terminated",
    about: "The CLI is asked to end in the middle of a turn.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!text Now it\n!hang");
      await recorder.next("message.delta");
      await recorder.kill("SIGTERM");
    },
  },
  {
    name: "start-bad-flag",
    about: "The CLI does not know an argument.",
    options: { extraArgs: ["--nonsense"] },
    run: (recorder) => recorder.start(),
  },
];
