import type { DroidOptions } from "../../../../backends/droid/index.ts";
import { processPerTurn, oneTurn, turns, type Scenario } from "../../scenario.ts";

/** It tries again up to nine times, and waits longer each time. */
const waitMs = 300_000;

/** The pause lets what was said before arrive. */
function breakOff(times?: number): string {
  return `!wait 300\n!drop${times === undefined ? "" : ` times ${String(times)}`}`;
}

export const failureScenarios: readonly Scenario<DroidOptions>[] = [
  oneTurn("api-wrong-key", "The key is refused.", "!text Never said.", { apiKey: "another-key" }),
  {
    name: "api-401",
    about: "The key is refused once; the session stays usable.",
    run: (recorder) => turns(recorder, "!status 401 no such key", "!text Fresh."),
  },
  oneTurn("api-403", "The key may not use the model.", "!status 403 forbidden"),
  oneTurn("api-404", "The model does not exist.", "!status 404 The model does not exist"),
  oneTurn("api-400", "The request is refused.", "!status 400 bad request", { waitMs }),
  oneTurn("api-too-long", "The context is too long.", "!status 400 maximum context length exceeded", {
    waitMs,
  }),
  oneTurn("api-429", "Too many requests, with no end.", "!status 429 Slow down", { waitMs }),
  oneTurn(
    "api-429-recovers",
    "Too many requests, once.",
    "!status 429 times 1 Slow down\n!text Here it is.",
    {
      waitMs,
    },
  ),
  oneTurn("api-500", "The API fails, with no end.", "!status 500 internal error", { waitMs }),
  oneTurn(
    "api-503-recovers",
    "The model is overloaded, once.",
    "!status 503 times 1 overloaded\n!text Here it is.",
    {
      waitMs,
    },
  ),
  oneTurn(
    "api-dropped-in-text",
    "The connection breaks in the middle of a text, once.",
    `!slow 20\n!think Hm.\n!text Now it\n${breakOff(1)}\n!text Here it is.`,
    { waitMs },
  ),
  oneTurn(
    "api-500-in-text",
    "The API fails in the middle of a text, once.",
    "!slow 20\n!text Now it\n!wait 300\n!status 500 times 1 internal error\n!text Here it is.",
    { waitMs, options: { api: "openai-responses" } },
  ),
  oneTurn(
    "api-dropped",
    "The connection breaks in the middle of a text, with no end.",
    `!slow 20\n!text Now it\n${breakOff()}`,
    { waitMs },
  ),
  {
    name: "turn-mode-dropped",
    about: "The connection breaks in the middle of a text, twice, in a process for the turn.",
    options: { mode: "turn" },
    waitMs,
    run: (recorder) => processPerTurn(recorder, `!slow 20\n!text Now it\n${breakOff(2)}\n!text Here it is.`),
  },
  {
    name: "interrupt-dropped",
    about: "Interrupted while Droid waits to say again what broke off.",
    run: async (recorder) => {
      await recorder.start();
      recorder.prompt(`!slow 20\n!text Now it\n${breakOff()}`);
      await recorder.next("agent.retrying");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.close();
    },
  },
  {
    name: "turn-mode-401",
    about: "The key is refused, in a process for the turn.",
    options: { mode: "turn" },
    apiKey: "another-key",
    run: (recorder) => processPerTurn(recorder, "!text Never said."),
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
