import type { AgentBackend } from "playpen";
import type { Environment } from "playpen/kit";
import { acp } from "playpen/acp";
import type { AgentConnection, AgentDescription } from "./agent-description.ts";

type Preset = "claude" | "codex" | "copilot" | "droid" | "gemini" | "opencode" | "qwen";

/** An adapter may have to be run by another Node than the one at hand. */
interface AcpConnection extends Omit<AgentConnection, "command"> {
  readonly command?: string | readonly string[];
}

/** What a user of the agent would configure: `acp()` leaves that to the sandbox. */
interface Configuration {
  readonly env: Environment;
  readonly secrets?: readonly string[];
  readonly extraArgs?: readonly string[];
  /** Files by their paths below the home folder: texts, or what is written as JSON. */
  readonly files?: { readonly [path: string]: unknown };
}

const configurations: { readonly [Name in Preset]: (connection: AcpConnection) => Configuration } = {
  claude: ({ url, key }) => ({
    env: { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key, CLAUDE_CODE_MAX_RETRIES: "1" },
  }),
  codex: ({ url, key }) => ({
    env: { OPENAI_API_KEY: key },
    files: { ".codex/config.toml": codexConfig(url) },
  }),
  copilot: ({ url, key }) => ({
    secrets: ["COPILOT_PROVIDER_API_KEY"],
    env: {
      COPILOT_PROVIDER_BASE_URL: `${url}/v1`,
      COPILOT_PROVIDER_API_KEY: key,
      COPILOT_MODEL: "stand-in",
      COPILOT_OFFLINE: "true",
    },
  }),
  droid: ({ url, key }) => ({
    extraArgs: ["-m", "custom:stand-in"],
    secrets: ["OWN_API_KEY"],
    env: { OWN_API_KEY: key, FACTORY_AIRGAP_ENABLED: "true" },
    files: { ".factory/settings.json": droidSettings(url) },
  }),
  gemini: ({ url, key }) => ({
    extraArgs: ["-m", "gemini-2.5-pro"],
    env: { GEMINI_API_KEY: key, GOOGLE_GEMINI_BASE_URL: url },
  }),
  opencode: ({ url, key }) => ({
    secrets: ["OWN_API_KEY"],
    env: {
      OWN_API_KEY: key,
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
      OPENCODE_CONFIG_CONTENT: opencodeConfig(url),
    },
  }),
  qwen: ({ url, key }) => ({
    extraArgs: ["--auth-type", "openai"],
    env: { OPENAI_API_KEY: key, OPENAI_BASE_URL: `${url}/v1`, OPENAI_MODEL: "stand-in" },
    files: { ".qwen/settings.json": qwenSettings(url) },
  }),
};

/** A preset that is led to the model server. With `asks` it is trusted to ask before every call. */
export function acpBackend(preset: Preset, connection: AcpConnection, asks = false): AgentBackend {
  const { env, files = {}, ...options } = configurations[preset](connection);
  return acp(preset, {
    ...options,
    name: `acp-${preset}`,
    env: { ...env, ...connection.env },
    command: configured(files, connection.command ?? acp(preset).cli.command),
    asksForEveryCall: asks,
  });
}

function presetScene(
  preset: Preset,
  scene: Pick<AgentDescription, "knownFailures" | "otherModel" | "patienceMs">,
): AgentDescription {
  return {
    ...scene,
    name: `acp-${preset}`,
    command: preset,
    sharesCli: true,
    backend: (connection) => acpBackend(preset, connection, preset === "opencode"),
  };
}

const noStatus = "by ACP the CLI tells the words of an API's error, and not its status";

/** Agents that are also backends of their own, by the protocol that they have in common. */
export const acpScenes: readonly AgentDescription[] = [
  presetScene("copilot", { patienceMs: 90_000 }),
  presetScene("gemini", {
    patienceMs: 60_000,
    otherModel: "gemini-2.5-flash",
    knownFailures: {
      session: {
        "tool.failure": "the CLI takes every command that ran for a success, and tells no exit code",
      },
    },
  }),
  presetScene("opencode", {
    patienceMs: 120_000,
    otherModel: "own/other-model",
    knownFailures: {
      session: { "failure.401": noStatus, "failure.429": noStatus },
    },
  }),
  // Refused requests it repeats six times, for some 80 seconds.
  presetScene("qwen", { patienceMs: 120_000, otherModel: "other-model" }),
];

function codexConfig(url: string): string {
  const provider = {
    ...{ name: "own", base_url: `${url}/v1`, env_key: "OPENAI_API_KEY", wire_api: "responses" },
    ...{ request_max_retries: 0, stream_max_retries: 0 },
  };
  const lines = Object.entries(provider).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return ['model = "stand-in"', 'model_provider = "own"', "[model_providers.own]", ...lines, ""].join("\n");
}

function droidSettings(url: string): unknown {
  const model = (name: string): unknown => ({
    ...{ model: name, displayName: name, baseUrl: `${url}/v1`, apiKey: "${OWN_API_KEY}" },
    ...{ provider: "generic-chat-completion-api", maxOutputTokens: 8192 },
  });
  return { customModels: ["stand-in", "other-model"].map(model) };
}

function opencodeConfig(url: string): string {
  const model = { attachment: true, modalities: { input: ["text", "image"], output: ["text"] } };
  const models = { "stand-in": model, "other-model": model };
  const options = { baseURL: `${url}/v1`, apiKey: "{env:OWN_API_KEY}" };
  return JSON.stringify({
    ...{ autoupdate: false, share: "disabled", model: "own/stand-in", small_model: "own/stand-in" },
    provider: { own: { npm: "@ai-sdk/openai-compatible", options, models } },
    permission: { "*": "ask" },
  });
}

function qwenSettings(url: string): unknown {
  const model = (id: string): unknown => ({
    ...{ id, name: id, envKey: "OPENAI_API_KEY", baseUrl: `${url}/v1` },
    generationConfig: { maxRetries: 0, modalities: { image: true } },
  });
  return { $version: 4, modelProviders: { openai: [model("stand-in"), model("other-model")] } };
}

/** The command, behind one that writes the files: they are there before the agent is. */
function configured(
  files: NonNullable<Configuration["files"]>,
  given: string | readonly string[],
): [string, ...string[]] {
  const entries = Object.entries(files);
  const command = typeof given === "string" ? [given] : given;
  const script = `
while [ "$1" != -- ]; do
  mkdir -p "$HOME/\${1%/*}"
  printf %s "$2" > "$HOME/$1"
  shift 2
done
shift
exec "$@"`;
  const written = entries.flatMap(([path, content]) => [
    path,
    typeof content === "string" ? content : JSON.stringify(content),
  ]);
  return ["sh", "-c", script, "sh", ...written, "--", ...command];
}
