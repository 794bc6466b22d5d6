import type { BackendCapabilities, CliRecipe, CredentialRecipe, ModelInfo } from "../../src/kit.ts";

export const geminiCli: CliRecipe = {
  command: "gemini",
  package: "@google/gemini-cli",
  version: "0.61.0",
  versionArguments: ["--version"],
  executables: [".bin/gemini"],
  nodeMajor: 20,
};

export const geminiCredentials: CredentialRecipe = {
  anyOf: [["GEMINI_API_KEY"], ["GOOGLE_API_KEY"], ["GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"]],
  // The address goes with the key: a gateway's key must not be sent to the vendor.
  forwarded: [
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_VERTEX_BASE_URL",
  ],
  secret: ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
};

export const sessionCapabilities: BackendCapabilities = {
  resume: true,
  fork: false,
  permissions: ["allow-all", "deny-all", "ask"],
  updatedInput: false,
  questions: false,
  steering: false,
  interrupt: "protocol",
  images: true,
  mcpServers: ["stdio", "http"],
  systemPrompt: ["append", "replace"],
  setModel: true,
  textDeltas: true,
  reasoning: true,
  usage: true,
  cost: false,
  compaction: false,
  allowedTools: true,
  skills: true,
  structuredOutput: "prompted",
  thinking: ["low", "high"],
  agentModes: ["plan"],
  models: "cli",
};

export const turnCapabilities: BackendCapabilities = {
  ...sessionCapabilities,
  permissions: ["allow-all", "deny-all"],
  interrupt: "signal",
  images: false,
  reasoning: false,
  models: "documented",
};

/** As the CLI's own documentation of its configuration names them. */
export const documentedModels: readonly ModelInfo[] = [
  { id: "auto", name: "Auto", isDefault: true },
  { id: "gemini-3.1-pro-preview" },
  { id: "gemini-3-pro-preview" },
  { id: "gemini-3-flash-preview" },
  { id: "gemini-3.8-flash" },
  { id: "gemini-3.5-flash" },
  { id: "gemini-3.5-flash-lite" },
  { id: "gemini-3.1-flash-lite" },
  { id: "gemini-2.5-pro" },
  { id: "gemini-2.5-flash" },
  { id: "gemini-2.5-flash-lite" },
];
