import type { PiOptions } from "../../../../backends/pi/index.ts";
import { oneTurn, type Scenario } from "../../scenario.ts";

export const failureScenarios: readonly Scenario<PiOptions>[] = [
  oneTurn("api-401", "The key is refused.", "!text Never said.", { apiKey: "another-key" }),
  oneTurn("api-403", "The key may not use the model.", "!status 403 forbidden"),
  oneTurn("api-404", "The model does not exist.", "!status 404 The model does not exist"),
  oneTurn("api-400", "The request is refused.", "!status 400 bad request"),
  oneTurn(
    "api-too-long",
    "The context is too long, also when it was made shorter.",
    "!status 400 maximum context length exceeded",
  ),
  oneTurn("api-429", "Too many requests, with no end.", "!status 429 Slow down"),
  oneTurn("api-429-recovers", "Too many requests, once.", "!status 429 times 1 Slow down\n!text Here it is."),
  oneTurn("api-500", "The API fails, with no end.", "!status 500 internal error"),
  oneTurn("api-503", "The model is overloaded, once.", "!status 503 times 1 overloaded\n!text Here it is."),
  oneTurn("api-dropped", "The connection breaks, with no end.", "!drop"),
  oneTurn(
    "api-dropped-in-text",
    "The connection breaks in the middle of a text, once.",
    "!text Now it\n!drop times 1\n!text Here it is.",
  ),
  {
    name: "turn-mode-429",
    about: "Too many requests, once, in a process of its own.",
    options: { mode: "turn" },
    run: async (recorder) => {
      await recorder.start({ prompt: "!status 429 times 1 Slow down\n!text Here it is." });
      await recorder.turnEnd();
      await recorder.exited();
    },
  },
  {
    name: "turn-mode-401",
    about: "The key is refused, in a process of its own.",
    options: { mode: "turn" },
    apiKey: "another-key",
    run: async (recorder) => {
      await recorder.start({ prompt: "!text Never said." });
      await recorder.turnEnd();
      await recorder.exited();
    },
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
    name: "killed-in-tool",
    about: "The CLI is killed while a command runs.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell sleep 60");
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
