import type { BackendCapabilities, CliRecipe, CredentialRecipe, ProcessMode } from "../../src/kit.ts";
import { isJsonObject } from "../../src/kit.ts";
import type { OpencodeOptions } from "./options.ts";

export const opencodeCli: CliRecipe = {
  command: "opencode",
  package: "opencode-ai",
  version: "1.18.33",
  versionArguments: ["--version"],
  // The package's own is put in place by an installation script, which may not have run.
  executables: [
    "opencode-linux-x64/bin/opencode",
    "opencode-linux-arm64/bin/opencode",
    "opencode-linux-x64-musl/bin/opencode",
    "opencode-linux-arm64-musl/bin/opencode",
    "opencode-linux-x64-baseline/bin/opencode",
    "opencode-linux-x64-baseline-musl/bin/opencode",
    "opencode-darwin-arm64/bin/opencode",
    "opencode-darwin-x64/bin/opencode",
    ".bin/opencode",
  ],
};

const sessionCapabilities: Omit<BackendCapabilities, "cost"> = {
  resume: true,
  fork: true,
  permissions: ["allow-all", "deny-all", "ask"],
  updatedInput: true,
  questions: true,
  steering: false,
  interrupt: "protocol",
  images: true,
  mcpServers: ["stdio", "http"],
  systemPrompt: ["append", "replace"],
  setModel: true,
  textDeltas: true,
  reasoning: true,
  usage: true,
  compaction: true,
  allowedTools: true,
  skills: true,
  structuredOutput: "prompted",
  thinking: ["low", "medium", "high"],
  agentModes: ["build", "plan"],
  models: "cli",
};

const turnCapabilities: Omit<BackendCapabilities, "cost"> = {
  ...sessionCapabilities,
  permissions: ["allow-all", "deny-all"],
  updatedInput: false,
  questions: false,
  interrupt: "signal",
  models: "none",
};

/** OpenCode knows the prices of the models it knows, not those of the caller's own address. */
export function opencodeCapabilities(options: OpencodeOptions, mode: ProcessMode): BackendCapabilities {
  const capabilities = mode === "turn" ? turnCapabilities : sessionCapabilities;
  return { ...capabilities, cost: options.baseUrl === undefined };
}

/** The variable that the option `apiKey` travels in. */
export const ownKeyVariable = "PLAYPEN_OPENCODE_API_KEY";

/** Variables by which providers are given their credentials, as OpenCode reads them. */
const providerVariables: readonly (readonly string[])[] = [
  ["ANTHROPIC_API_KEY"],
  ["OPENAI_API_KEY"],
  ["GEMINI_API_KEY"],
  ["GOOGLE_API_KEY"],
  ["GOOGLE_GENERATIVE_AI_API_KEY"],
  ["OPENROUTER_API_KEY"],
  ["OPENCODE_API_KEY"],
  ["GROQ_API_KEY"],
  ["MISTRAL_API_KEY"],
  ["DEEPSEEK_API_KEY"],
  ["XAI_API_KEY"],
  ["MOONSHOT_API_KEY"],
  ["ZHIPU_API_KEY"],
  ["CEREBRAS_API_KEY"],
  ["TOGETHER_API_KEY"],
  ["FIREWORKS_API_KEY"],
  ["AI_GATEWAY_API_KEY"],
  ["GITHUB_TOKEN"],
  ["AZURE_RESOURCE_NAME", "AZURE_API_KEY"],
  ["AWS_BEARER_TOKEN_BEDROCK"],
  ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  ["GOOGLE_VERTEX_PROJECT"],
];

/** Not forwarded: they are the host's own business, and stand for more than a model. */
const notForwarded: readonly string[] = ["GITHUB_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

const notSecret: readonly string[] = ["AZURE_RESOURCE_NAME", "GOOGLE_VERTEX_PROJECT", "AWS_ACCESS_KEY_ID"];

export function opencodeCredentials(options: OpencodeOptions): CredentialRecipe {
  const known = providerVariables.flat();
  const secret = [...known.filter((name) => !notSecret.includes(name)), "AWS_SESSION_TOKEN", ownKeyVariable];
  if (options.baseUrl !== undefined) {
    // A server of one's own may want none.
    return { anyOf: [], forwarded: ["OPENAI_API_KEY"], secret };
  }
  // Providers that the caller describes have credentials of their own, or need none.
  const isDescribed = isJsonObject(options.config) && isJsonObject(options.config["provider"]);
  const isHosted = options.model?.startsWith("opencode/") === true;
  const needsNone = isDescribed || isHosted;
  return {
    anyOf: needsNone ? [] : [...providerVariables, [ownKeyVariable]],
    forwarded: known.filter((name) => !notForwarded.includes(name)),
    secret,
  };
}
