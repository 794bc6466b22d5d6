import type { BackendCapabilities, CliRecipe, CredentialRecipe, ModelInfo } from "../../src/kit.ts";

export const copilotCli: CliRecipe = {
  command: "copilot",
  package: "@github/copilot",
  version: "1.0.102",
  versionArguments: ["--version"],
  executables: [
    "@github/copilot-linux-x64/copilot",
    "@github/copilot-linux-arm64/copilot",
    "@github/copilot-linuxmusl-x64/copilot",
    "@github/copilot-linuxmusl-arm64/copilot",
    "@github/copilot-darwin-arm64/copilot",
    "@github/copilot-darwin-x64/copilot",
    ".bin/copilot",
  ],
  nodeMajor: 18,
};

const providerVariables = [
  "COPILOT_PROVIDER_BASE_URL",
  "COPILOT_PROVIDER_TYPE",
  "COPILOT_PROVIDER_WIRE_API",
  "COPILOT_PROVIDER_API_KEY",
  "COPILOT_PROVIDER_BEARER_TOKEN",
  "COPILOT_PROVIDER_HEADERS",
] as const;

export const copilotCredentials: CredentialRecipe = {
  anyOf: [
    ["COPILOT_GITHUB_TOKEN"],
    ["GH_TOKEN"],
    ["GITHUB_TOKEN"],
    // Local providers need no key.
    ["COPILOT_PROVIDER_BASE_URL"],
  ],
  // Not GH_TOKEN and GITHUB_TOKEN: on a developer's or a CI machine those open more than Copilot. And the address
  // goes with the key: a provider's key must not be sent elsewhere.
  forwarded: ["COPILOT_GITHUB_TOKEN", ...providerVariables, "COPILOT_MODEL"],
  secret: [
    "COPILOT_GITHUB_TOKEN",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "COPILOT_PROVIDER_API_KEY",
    "COPILOT_PROVIDER_BEARER_TOKEN",
    "COPILOT_PROVIDER_HEADERS",
  ],
};

export const sessionCapabilities: BackendCapabilities = {
  resume: true,
  fork: true,
  permissions: ["allow-all", "deny-all", "ask"],
  updatedInput: true,
  questions: true,
  steering: true,
  interrupt: "protocol",
  images: true,
  mcpServers: ["stdio", "http"],
  systemPrompt: ["append", "replace"],
  setModel: true,
  textDeltas: true,
  reasoning: true,
  usage: true,
  cost: false,
  compaction: true,
  allowedTools: true,
  skills: true,
  structuredOutput: "native",
  thinking: ["none", "minimal", "low", "medium", "high", "xhigh", "max"],
  agentModes: ["plan"],
  models: "documented",
};

export const turnCapabilities: BackendCapabilities = {
  ...sessionCapabilities,
  fork: false,
  permissions: ["allow-all", "deny-all"],
  updatedInput: false,
  questions: false,
  steering: false,
  interrupt: "signal",
  images: false,
  systemPrompt: ["append"],
  structuredOutput: "prompted",
};

/** What `copilot help config` names, for accounts of GitHub. A provider of one's own has models of its own. */
export const copilotModels: readonly ModelInfo[] = [
  { id: "auto" },
  { id: "claude-sonnet-5.5" },
  { id: "claude-sonnet-5" },
  { id: "claude-fable-5.1" },
  { id: "claude-fable-5" },
  { id: "claude-opus-5.5" },
  { id: "claude-opus-5" },
  { id: "claude-opus-4.8" },
  { id: "claude-opus-4.8-fast" },
  { id: "claude-sonnet-4.6" },
  { id: "claude-haiku-5.5" },
  { id: "claude-haiku-4.5" },
  { id: "gpt-6.1-sol" },
  { id: "gpt-6-sol" },
  { id: "gpt-6-luna" },
  { id: "gpt-6-astra" },
  { id: "gpt-5.6-sol" },
  { id: "gpt-5.6-terra" },
  { id: "gpt-5.6-luna" },
  { id: "gpt-5.5" },
  { id: "gpt-5.4" },
  { id: "gpt-5.4-mini" },
  { id: "gpt-5.3-codex" },
  { id: "gpt-5-mini" },
  { id: "mai-code-1.1-flash" },
  { id: "gemini-4-argon" },
  { id: "gemini-3.8-flash" },
  { id: "gemini-3.7-flash" },
  { id: "grok-4.7" },
  { id: "grok-4.6" },
  { id: "grok-4.5" },
  { id: "kimi-k3" },
];
