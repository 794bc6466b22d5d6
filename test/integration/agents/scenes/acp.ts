import type { Environment } from "playpen/kit";
import { acp } from "../../../../backends/acp/index.ts";
import type { AgentConnection, AgentDescription } from "./agent-description.ts";

type Preset = "copilot" | "gemini" | "opencode" | "qwen";

interface PresetScene extends Pick<AgentDescription, "knownFailures" | "otherModel" | "patienceMs"> {
  /** Leads the CLI to the model server: `acp()` writes no configuration. */
  readonly env: (connection: AgentConnection) => Environment;
  readonly secrets?: readonly string[];
  readonly extraArgs?: readonly string[];
}

function presetScene(preset: Preset, { env, secrets, extraArgs, ...scene }: PresetScene): AgentDescription {
  const name = `acp-${preset}`;
  return {
    ...scene,
    name,
    command: preset,
    // It has no mode of a process per turn.
    backend: ({ mode: _mode, ...connection }) =>
      acp(preset, {
        name,
        env: { ...env(connection), ...connection.env },
        ...(connection.command === undefined ? {} : { command: connection.command }),
        ...(secrets === undefined ? {} : { secrets }),
        ...(extraArgs === undefined ? {} : { extraArgs }),
      }),
  };
}

/** Agents that are also backends of their own, by the protocol that they have in common. */
export const acpScenes: readonly AgentDescription[] = [
  presetScene("copilot", {
    patienceMs: 90_000,
    secrets: ["COPILOT_PROVIDER_API_KEY"],
    env: ({ url, key }) => ({
      COPILOT_PROVIDER_BASE_URL: `${url}/v1`,
      COPILOT_PROVIDER_API_KEY: key,
      COPILOT_MODEL: "stand-in",
      COPILOT_OFFLINE: "true",
    }),
  }),
  presetScene("gemini", {
    extraArgs: ["-m", "gemini-2.5-pro"],
    otherModel: "gemini-2.5-flash",
    env: ({ url, key }) => ({ GEMINI_API_KEY: key, GOOGLE_GEMINI_BASE_URL: url }),
  }),
  presetScene("opencode", {
    patienceMs: 120_000,
    otherModel: "own/other-model",
    env: ({ url, key }) => ({ OPENAI_API_KEY: key, OPENCODE_CONFIG_CONTENT: opencodeConfig(url) }),
  }),
  presetScene("qwen", {
    patienceMs: 90_000,
    extraArgs: ["--auth-type", "openai"],
    env: ({ url, key }) => ({
      OPENAI_API_KEY: key,
      OPENAI_BASE_URL: `${url}/v1`,
      OPENAI_MODEL: "stand-in",
    }),
  }),
];

function opencodeConfig(url: string): string {
  const models = { "stand-in": {}, "other-model": {} };
  const options = { baseURL: `${url}/v1`, apiKey: "{env:OPENAI_API_KEY}" };
  return JSON.stringify({
    ...{ autoupdate: false, share: "disabled", model: "own/stand-in", small_model: "own/stand-in" },
    provider: { own: { npm: "@ai-sdk/openai-compatible", options, models } },
  });
}
