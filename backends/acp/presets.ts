import type { AcpProfile } from "../../src/kit.ts";
import { copilot } from "./presets/copilot.ts";
import { gemini } from "./presets/gemini.ts";
import { opencode } from "./presets/opencode.ts";
import { keys, npmCli, type AcpPreset } from "./presets/preset.ts";
import { qwen } from "./presets/qwen.ts";

/** Who is logged in, as some agents tell it. */
const authStatus: AcpProfile["extension"] = (method) => (method === "_auth/status_update" ? [] : undefined);

const claude: AcpPreset = {
  product: "Claude Agent",
  cli: {
    ...npmCli("claude-agent-acp", "@agentclientprotocol/claude-agent-acp", "0.100.0"),
    nodeMajor: 22,
  },
  args: [],
  env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_AUTOUPDATER: "1", IS_SANDBOX: "1" },
  credentials: {
    ...{ anyOf: [], secret: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"] },
    forwarded: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_BASE_URL"],
  },
  profile: { extension: authStatus },
  capabilities: { cost: true },
};

const codex: AcpPreset = {
  product: "Codex",
  cli: npmCli("codex-acp", "@agentclientprotocol/codex-acp", "2.6.0"),
  args: [],
  credentials: keys("CODEX_API_KEY", "OPENAI_API_KEY"),
  profile: {
    authMethods: ["api-key"],
    authRemedy: "Set CODEX_API_KEY or OPENAI_API_KEY.",
    extension: authStatus,
  },
};

const droid: AcpPreset = {
  product: "Factory Droid",
  cli: npmCli("droid", "droid", "0.215.0"),
  args: ["exec", "--output-format", "acp"],
  credentials: keys("FACTORY_API_KEY"),
  profile: {
    authMethods: ["factory-api-key"],
    authRemedy: "Set FACTORY_API_KEY, or configure a model of one's own in ~/.factory/settings.json.",
  },
  capabilities: { usage: false },
};

/** The agents that are known to speak the protocol, by the name that `acp()` takes. */
export const presets = { claude, codex, copilot, droid, gemini, opencode, qwen } as const satisfies {
  readonly [name: string]: AcpPreset;
};

export type AcpPresetName = keyof typeof presets;

export const presetNames = Object.keys(presets) as readonly AcpPresetName[];
