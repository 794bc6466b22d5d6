import type { Environment } from "../../../src/kit.ts";
import {
  answerPermission,
  defineRecording,
  tool,
  turns,
  type ModelAccess,
  type Scenario,
} from "../scenario.ts";
import { acpPreset, type PresetOptions, type RecordedPreset } from "./acp/preset.ts";

const unknown = "11111111-1111-4111-8111-111111111111";

/** What leads each agent to the model server. */
const environments: { readonly [Name in RecordedPreset]: (model: ModelAccess) => Environment } = {
  copilot: ({ url, apiKey }) => ({
    COPILOT_PROVIDER_BASE_URL: `${url}/v1`,
    COPILOT_PROVIDER_API_KEY: apiKey,
    COPILOT_MODEL: "stand-in",
    COPILOT_OFFLINE: "true",
  }),
  opencode: ({ url, apiKey }) => ({
    OWN_API_KEY: apiKey,
    OPENCODE_DISABLE_MODELS_FETCH: "1",
    OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
    OPENCODE_CONFIG_CONTENT: JSON.stringify({
      ...{ autoupdate: false, share: "disabled", model: "own/stand-in", small_model: "own/stand-in" },
      provider: {
        own: {
          npm: "@ai-sdk/openai-compatible",
          options: { baseURL: `${url}/v1`, apiKey: "{env:OWN_API_KEY}" },
          models: { "stand-in": {} },
        },
      },
      permission: { bash: "ask", "echo_*": "ask" },
    }),
  }),
  qwen: ({ url, apiKey }) => ({
    OPENAI_API_KEY: apiKey,
    OPENAI_BASE_URL: `${url}/v1`,
    OPENAI_MODEL: "stand-in",
  }),
};

const mcpTools: { readonly [Name in RecordedPreset]: string } = {
  copilot: "echo-echo",
  opencode: "echo_echo",
  qwen: "mcp__echo__echo",
};

/** The same conversations with each agent: what differs is how the agent tells them. */
function ofPreset(preset: RecordedPreset): readonly Scenario<PresetOptions>[] {
  const options: PresetOptions = {
    preset,
    ...(preset === "qwen" ? { extraArgs: ["--auth-type", "openai"] } : {}),
  };
  const asking = { input: { permissions: "ask" }, options: { ...options, asksForEveryCall: true } } as const;
  const scenario = (
    name: string,
    about: string,
    run: Scenario<PresetOptions>["run"],
    rest: Partial<Scenario<PresetOptions>> = {},
  ): Scenario<PresetOptions> => ({
    name: `${preset}-${name}`,
    about,
    options,
    waitMs: 120_000,
    run,
    ...rest,
  });
  return [
    scenario("text", "Thoughts and an answer; the second turn remembers the first.", (recorder) =>
      turns(recorder, "!think Let me see.\n!text Hello there.", "!recall"),
    ),
    scenario("tools", "A command that succeeds, one that fails, and a file.", (recorder) =>
      turns(
        recorder,
        "!text Let me see.\n!shell echo one\n!shell exit 3\n!write notes.txt Hello\n!text Done.",
      ),
    ),
    scenario(
      "mcp",
      "A tool of an MCP server.",
      async (recorder) => {
        await recorder.start();
        await recorder.turn(`${tool(mcpTools[preset], { text: "hi" })}\n!text Echoed.`);
        await recorder.kill("SIGTERM");
      },
      { withEchoServer: true },
    ),
    scenario(
      "permission",
      "A command is allowed, another one denied.",
      async (recorder) => {
        await recorder.start();
        recorder.prompt("!shell touch one\n!shell touch two\n!text Done.");
        await answerPermission(recorder, "allow");
        await answerPermission(recorder, "deny");
        await recorder.turnEnd();
        await recorder.turn("!text Good.");
        await recorder.kill("SIGTERM");
      },
      asking,
    ),
    scenario("interrupt", "Interrupted while a command runs; the next turn is good.", async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell touch begun; sleep 60\n!text Never said.");
      await recorder.next("tool.started");
      recorder.interrupt();
      await recorder.turnEnd();
      await recorder.turn("!text Fresh.");
      await recorder.kill("SIGTERM");
    }),
    scenario("refused", "The model's API refuses the key; the next turn is good.", (recorder) =>
      turns(recorder, "!status 401 invalid key", "!text Better."),
    ),
    scenario(
      "resume",
      "A second process takes the session up: its history is not told again.",
      async (recorder) => {
        await turns(recorder, "!shell echo one\n!text One.");
        await recorder.start({ resume: { nativeSessionId: recorder.nativeSessionId, fork: false } });
        await recorder.turn("!recall");
        await recorder.close();
      },
    ),
    scenario("resume-unknown", "There is no session to take up.", async (recorder) => {
      await recorder.start({ resume: { nativeSessionId: unknown, fork: false } });
      await recorder.kill("SIGTERM");
    }),
    scenario("killed", "The CLI is killed while a command runs.", async (recorder) => {
      await recorder.start();
      recorder.prompt("!shell touch begun; sleep 60\n!text Never said.");
      await recorder.next("tool.started");
      await recorder.kill("SIGKILL");
    }),
  ];
}

export default defineRecording({
  backend: acpPreset,
  connect: (options: PresetOptions, model) => ({
    ...options,
    env: { ...environments[options.preset](model), ...options.env },
  }),
  scenarios: [...ofPreset("copilot"), ...ofPreset("opencode"), ...ofPreset("qwen")],
});
