import type { BackendCapabilities, CliRecipe, CredentialRecipe, ProcessMode } from "../../src/kit.ts";

export const claudeCli: CliRecipe = {
  command: "claude",
  package: "@anthropic-ai/claude-code",
  version: "2.1.197",
  versionArguments: ["--version"],
  executables: [
    "@anthropic-ai/claude-code-linux-x64/claude",
    "@anthropic-ai/claude-code-linux-arm64/claude",
    "@anthropic-ai/claude-code-linux-x64-musl/claude",
    "@anthropic-ai/claude-code-linux-arm64-musl/claude",
    ".bin/claude",
  ],
};

export const claudeCredentials: CredentialRecipe = {
  anyOf: [
    ["ANTHROPIC_API_KEY"],
    ["ANTHROPIC_AUTH_TOKEN"],
    ["CLAUDE_CODE_OAUTH_TOKEN"],
    ["CLAUDE_CODE_USE_BEDROCK"],
    ["CLAUDE_CODE_USE_VERTEX"],
    ["CLAUDE_CODE_USE_FOUNDRY"],
  ],
  // The address goes with the key: a gateway's token must not be sent to the vendor.
  forwarded: [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_CUSTOM_HEADERS",
  ],
  secret: [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_FOUNDRY_API_KEY",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
  ],
};

/** Both modes speak the same protocol, so they can do nearly the same. */
const sessionCapabilities: BackendCapabilities = {
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
  cost: true,
  compaction: true,
  allowedTools: true,
  skills: true,
  // A process takes one schema, at its start.
  structuredOutput: "prompted",
  thinking: ["low", "medium", "high", "xhigh", "max"],
  agentModes: ["plan"],
  models: "cli",
};

export function claudeCapabilities(mode: ProcessMode): BackendCapabilities {
  if (mode === "session") return sessionCapabilities;
  // No process is there to be asked for models when no turn runs.
  return { ...sessionCapabilities, structuredOutput: "native", models: "documented" };
}
