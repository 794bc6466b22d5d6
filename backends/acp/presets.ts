import {
  acpTokens,
  modelFailure,
  objectField,
  stringField,
  type AcpProfile,
  type CliRecipe,
  type CredentialRecipe,
  type Environment,
  type JsonObject,
} from "../../src/kit.ts";

/** What is known of an agent. */
export interface AcpPreset {
  /** For people. */
  readonly product: string;
  readonly cli: CliRecipe;
  /** What makes it speak the protocol. */
  readonly args: readonly string[];
  /** Set unless the caller's environment says otherwise. */
  readonly env?: Environment;
  readonly credentials: CredentialRecipe;
  readonly profile?: Partial<AcpProfile>;
  /** The agent tells what a turn has used; default `true`. */
  readonly usage?: boolean;
  /** The agent tells what a turn has cost; default `false`. */
  readonly cost?: boolean;
}

/** Who is logged in, as some agents tell it. */
const authStatus: AcpProfile["extension"] = (method) => (method === "_auth/status_update" ? [] : undefined);

function npmCli(
  command: string,
  packageName: string,
  version: string,
  executables: readonly string[],
): CliRecipe {
  return {
    ...{ command, package: packageName, version, versionArguments: ["--version"] },
    executables: [...executables, `.bin/${command}`],
  };
}

function keys(...names: readonly string[]): CredentialRecipe {
  return { anyOf: [], forwarded: names, secret: names };
}

const claude: AcpPreset = {
  product: "Claude Agent",
  cli: {
    ...npmCli("claude-agent-acp", "@agentclientprotocol/claude-agent-acp", "0.100.0", []),
    nodeMajor: 22,
  },
  args: [],
  env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_AUTOUPDATER: "1", IS_SANDBOX: "1" },
  credentials: {
    ...{ anyOf: [], secret: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"] },
    forwarded: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_BASE_URL"],
  },
  profile: { extension: authStatus },
  cost: true,
};

const codex: AcpPreset = {
  product: "Codex",
  cli: npmCli("codex-acp", "@agentclientprotocol/codex-acp", "2.6.0", []),
  args: [],
  credentials: keys("CODEX_API_KEY", "OPENAI_API_KEY"),
  profile: {
    authMethods: ["api-key"],
    authRemedy: "Set CODEX_API_KEY or OPENAI_API_KEY.",
    extension: authStatus,
  },
};

const copilot: AcpPreset = {
  product: "GitHub Copilot",
  cli: npmCli("copilot", "@github/copilot", "1.0.102", [
    "@github/copilot-linux-x64/copilot",
    "@github/copilot-linux-arm64/copilot",
    "@github/copilot-darwin-arm64/copilot",
    "@github/copilot-darwin-x64/copilot",
  ]),
  args: ["--acp"],
  env: { COPILOT_AUTO_UPDATE: "false" },
  credentials: keys("COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"),
  profile: {
    usage: { covers: "process", fromResult: (result) => acpTokens(objectField(result, "usage")) },
    readUpdate: copilotUpdate,
    failureInText: copilotFailure,
  },
};

/** What is no word of the model's, Copilot says in its name all the same, each in a chunk of its own. */
function copilotUpdate(update: JsonObject): JsonObject {
  const text = stringField(objectField(update, "content"), "text") ?? "";
  if (update["sessionUpdate"] !== "agent_message_chunk") return update;
  if (/^Info: .*Retrying\.\.\.$/s.test(text)) {
    return { sessionUpdate: "notice", severity: "warning", title: text.replace("Info: ", "") };
  }
  return text.startsWith("Error: ") ? { ...update, messageId: "error" } : update;
}

/** A turn that failed ends like another, but with no word of what it has used. */
function copilotFailure(text: string, result: JsonObject): ReturnType<typeof modelFailure> | undefined {
  if (!text.startsWith("Error: ") || result["usage"] !== undefined) return undefined;
  return modelFailure(text.slice("Error: ".length).replace(/^.* Last error: /s, ""));
}

const droid: AcpPreset = {
  product: "Factory Droid",
  cli: npmCli("droid", "droid", "0.215.0", []),
  args: ["exec", "--output-format", "acp"],
  credentials: keys("FACTORY_API_KEY"),
  profile: {
    authMethods: ["factory-api-key"],
    authRemedy: "Set FACTORY_API_KEY, or configure a model of one's own in ~/.factory/settings.json.",
  },
  usage: false,
};

const gemini: AcpPreset = {
  product: "Gemini CLI",
  cli: { ...npmCli("gemini", "@google/gemini-cli", "0.61.0", []), nodeMajor: 20 },
  args: ["--acp"],
  // The launcher that the CLI otherwise puts before itself passes no signals on.
  env: { GEMINI_CLI_NO_RELAUNCH: "1", GEMINI_CLI_TRUST_WORKSPACE: "true", NO_BROWSER: "1" },
  credentials: keys("GEMINI_API_KEY"),
  profile: { authMethods: ["gemini-api-key"], authRemedy: "Set GEMINI_API_KEY." },
};

const opencode: AcpPreset = {
  product: "OpenCode",
  cli: npmCli("opencode", "opencode-ai", "1.18.33", [
    "opencode-linux-x64/bin/opencode",
    "opencode-linux-arm64/bin/opencode",
    "opencode-darwin-arm64/bin/opencode",
    "opencode-darwin-x64/bin/opencode",
  ]),
  args: ["acp"],
  env: { OPENCODE_DISABLE_AUTOUPDATE: "1" },
  credentials: keys("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "OPENCODE_API_KEY"),
  profile: {
    // What it tells is that of the turn's last request.
    usage: [],
    // So it answers for a session that it does not know.
    isSessionMissing: ({ message }) => /service failure|not found/i.test(message),
  },
  usage: false,
};

const qwen: AcpPreset = {
  product: "Qwen Code",
  cli: { ...npmCli("qwen", "@qwen-code/qwen-code", "0.15.10", []), nodeMajor: 20 },
  args: ["--acp"],
  credentials: {
    ...{ anyOf: [], secret: ["OPENAI_API_KEY"] },
    forwarded: ["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"],
  },
  profile: { authMethods: ["openai"], authRemedy: "Set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL." },
};

/** The agents that are known to speak the protocol, by the name that `acp()` takes. */
export const presets = { claude, codex, copilot, droid, gemini, opencode, qwen } as const satisfies {
  readonly [name: string]: AcpPreset;
};

export type AcpPresetName = keyof typeof presets;

export const presetNames = Object.keys(presets) as readonly AcpPresetName[];
