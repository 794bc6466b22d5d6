import type { BackendCapabilities, CliRecipe, CredentialRecipe } from "../../src/kit.ts";

export const cursorUnverified =
  "The CLI is not on npm and does nothing without Cursor's own service. What it can do is what its documentation says.";

export const cursorCli: CliRecipe = {
  command: "cursor-agent",
  // Only the vendor's own script installs it, in whatever version is the newest: there is nothing to pin.
  package: "",
  version: "",
  versionArguments: ["--version"],
  executables: [],
};

export const cursorCredentials: CredentialRecipe = {
  anyOf: [["CURSOR_API_KEY"], ["CURSOR_AUTH_TOKEN"]],
  forwarded: ["CURSOR_API_KEY", "CURSOR_AUTH_TOKEN"],
  secret: ["CURSOR_API_KEY", "CURSOR_AUTH_TOKEN"],
};

export const cursorCapabilities: BackendCapabilities = {
  resume: true,
  fork: false,
  // What is not forced is decided by the CLI's own files, and reading is never asked for.
  permissions: ["allow-all"],
  updatedInput: false,
  questions: false,
  steering: false,
  interrupt: "signal",
  images: false,
  // Servers come from files of the project and of the user, which are not the library's to write.
  mcpServers: [],
  systemPrompt: [],
  setModel: true,
  textDeltas: true,
  reasoning: true,
  usage: true,
  cost: false,
  compaction: false,
  allowedTools: false,
  skills: false,
  structuredOutput: "prompted",
  thinking: [],
  agentModes: ["plan", "ask"],
  models: "none",
};
