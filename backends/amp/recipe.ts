import type { BackendCapabilities, CliRecipe, CredentialRecipe } from "../../src/kit.ts";

export const ampUnverified =
  "The agent's loop runs at Amp's own service, which the suites cannot reach. The CLI was run against a stand-in for it: what the real service answers, and what it lets the agent do, is not shown.";

export const ampCli: CliRecipe = {
  command: "amp",
  package: "@ampcode/cli",
  version: "0.0.1790142911-g7618fb",
  versionArguments: ["--version"],
  executables: [
    "@ampcode/cli-linux-x64/amp",
    "@ampcode/cli-linux-arm64/amp",
    "@ampcode/cli-darwin-arm64/amp",
    "@ampcode/cli-darwin-x64/amp",
    ".bin/amp",
  ],
};

export const ampCredentials: CredentialRecipe = {
  // Without a key the CLI would begin a login, and take the prompt for the code that it asks for.
  anyOf: [["AMP_API_KEY"]],
  // The address goes with the key: it must not be sent elsewhere.
  forwarded: ["AMP_API_KEY", "AMP_URL"],
  secret: ["AMP_API_KEY"],
};

export const ampCapabilities: BackendCapabilities = {
  resume: true,
  fork: false,
  // The CLI's rules hold for the tools that it runs itself, but what the service runs does not pass them; and there is no
  // way to ask a host.
  permissions: ["allow-all"],
  updatedInput: false,
  questions: false,
  steering: false,
  interrupt: "signal",
  images: true,
  mcpServers: ["stdio", "http"],
  systemPrompt: [],
  setModel: false,
  textDeltas: false,
  reasoning: true,
  usage: true,
  cost: false,
  compaction: false,
  allowedTools: false,
  skills: true,
  structuredOutput: "prompted",
  thinking: [],
  agentModes: ["low", "medium", "high", "ultra"],
  models: "none",
};
