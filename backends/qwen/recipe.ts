import type { BackendCapabilities, CliRecipe, CredentialRecipe, ProcessMode } from "../../src/kit.ts";
import type { QwenOptions } from "./options.ts";

export const qwenCli: CliRecipe = {
  command: "qwen",
  package: "@qwen-code/qwen-code",
  version: "0.15.10",
  versionArguments: ["--version"],
  executables: [".bin/qwen"],
  nodeMajor: 20,
};

const sessionCapabilities: BackendCapabilities = {
  resume: true,
  fork: false,
  permissions: ["allow-all", "deny-all", "ask"],
  updatedInput: false,
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
  cost: false,
  compaction: true,
  allowedTools: true,
  skills: true,
  structuredOutput: "prompted",
  thinking: ["low", "medium", "high"],
  agentModes: ["plan"],
  models: "cli",
};

const turnCapabilities: BackendCapabilities = {
  ...sessionCapabilities,
  permissions: ["allow-all", "deny-all"],
  questions: false,
  interrupt: "signal",
  images: false,
  compaction: false,
  structuredOutput: "native",
  models: "none",
};

export function qwenCapabilities(mode: ProcessMode): BackendCapabilities {
  return mode === "turn" ? turnCapabilities : sessionCapabilities;
}

export function qwenCredentials(options: QwenOptions): CredentialRecipe {
  return {
    // A server of one's own may want none.
    anyOf: options.baseUrl === undefined ? [["OPENAI_API_KEY"]] : [],
    // The address goes with the key: one of them must not be sent to another's.
    forwarded: [
      "OPENAI_API_KEY",
      ...(options.baseUrl === undefined ? ["OPENAI_BASE_URL"] : []),
      "OPENAI_MODEL",
    ],
    secret: ["OPENAI_API_KEY"],
  };
}
