import type { GeminiOptions } from "../../../../backends/gemini/index.ts";
import { processPerTurn, tool, turns, type Scenario } from "../../scenario.ts";
import { droppedInText, failsInText, malformed } from "./failures.ts";

const turn = { options: { mode: "turn" } } as const;
const unknown = { nativeSessionId: "11111111-1111-4111-8111-111111111111", fork: false };

export const processScenarios: readonly Scenario<GeminiOptions>[] = [
  {
    name: "resume",
    about: "A second process takes the session up, and a third one: its history is not told again.",
    run: async (recorder) => {
      await turns(recorder, "!think Hm.\n!text One.");
      const resume = { nativeSessionId: recorder.nativeSessionId, fork: false };
      for (const prompt of ["!recall", "!recall"]) {
        await recorder.start({ resume });
        await recorder.turn(prompt);
        await recorder.close();
      }
    },
  },
  {
    name: "resume-unknown",
    about: "There is no session to take up.",
    run: async (recorder) => {
      await recorder.start({ resume: unknown });
      await recorder.close();
    },
  },
  ofTurn("turn-text", "An answer in a process of its own.", "!text Hello there."),
  ofTurn(
    "turn-tools",
    "Commands, a file, a plan and a tool that is not there.",
    [
      "!text Let me see.",
      "!shell echo one",
      "!shell exit 3",
      "!write notes.txt Hello",
      tool("read_file", { file_path: "missing.txt" }),
      tool("nonsense", {}),
      "!text Done.",
    ].join("\n"),
  ),
  {
    ...ofTurn(
      "turn-mcp",
      "A tool of an MCP server.",
      `${tool("mcp_echo_echo", { text: "hi" })}\n!text Echoed.`,
    ),
    withEchoServer: true,
  },
  {
    ...ofTurn(
      "turn-deny-all",
      "No tool may be used.",
      `${tool("run_shell_command", { command: "ls" })}\n!text I may not.`,
    ),
    input: { permissions: "deny-all" },
  },
  {
    name: "turn-resume",
    about: "Each turn is a process that takes up the session.",
    ...turn,
    run: (recorder) => processPerTurn(recorder, "!text One.", "!recall"),
  },
  {
    name: "turn-resume-unknown",
    about: "There is no session to take up.",
    ...turn,
    run: async (recorder) => {
      await recorder.start({ resume: unknown, prompt: "!text Never said." });
      await recorder.exited();
    },
  },
  { ...ofTurn("turn-401", "The key is refused.", "!text Never said."), apiKey: "another-key" },
  ofTurn("turn-404", "The model does not exist.", "!status 404 models/x is not found"),
  ofTurn("turn-429", "Too many requests.", "!status 429 Slow down"),
  ofTurn("turn-500", "The API fails.", "!status 500 internal error"),
  ofTurn("turn-dropped", "The connection breaks, with no end.", "!drop"),
  ofTurn("turn-dropped-in-text", "The connection breaks in the middle of a text.", droppedInText),
  ofTurn("turn-503-in-text", "The API fails in the middle of a text, once.", failsInText),
  ofTurn("turn-malformed", "The model's answers cannot be used, with no end.", malformed),
  {
    name: "turn-interrupted",
    about: "The process is told to end in the middle of a turn, as the core does it.",
    ...turn,
    run: async (recorder) => {
      await recorder.start({ prompt: "!text Now it\n!hang" });
      await recorder.next("message.delta");
      recorder.interrupt();
      await recorder.kill("SIGINT");
    },
  },
  {
    name: "turn-killed",
    about: "The process is killed in the middle of a turn.",
    ...turn,
    run: async (recorder) => {
      await recorder.start({ prompt: "!text Now it\n!hang" });
      await recorder.next("message.delta");
      await recorder.kill("SIGKILL");
    },
  },
  {
    name: "turn-no-key",
    about: "There is no key.",
    options: { mode: "turn", env: { GEMINI_API_KEY: "" } },
    run: async (recorder) => {
      await recorder.start({ prompt: "!text Never said." });
      await recorder.exited();
    },
  },
];

function ofTurn(name: string, about: string, prompt: string): Scenario<GeminiOptions> {
  return { name, about, ...turn, run: (recorder) => processPerTurn(recorder, prompt) };
}
