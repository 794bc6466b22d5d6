import type { BackendCapabilities, CliRecipe, CredentialRecipe } from "../../src/kit.ts";

/** Where the key of a server of the caller's own is: the configuration names the variable, and so no file has it. */
export const providerKeyVariable = "DROID_PROVIDER_API_KEY";

export const droidCli: CliRecipe = {
  command: "droid",
  package: "droid",
  version: "0.215.0",
  versionArguments: ["--version"],
  // The installation puts the binary for the processor at hand there, which the platform's package alone does not tell.
  executables: [".bin/droid"],
};

/** A server of the caller's own may need none, and Factory is not asked then. */
export function droidCredentials(hasOwnServer: boolean): CredentialRecipe {
  return {
    anyOf: hasOwnServer ? [] : [["FACTORY_API_KEY"]],
    forwarded: hasOwnServer ? [providerKeyVariable] : ["FACTORY_API_KEY"],
    secret: ["FACTORY_API_KEY", providerKeyVariable],
  };
}

/**
 * Not `"ask"`: whatever it is told, Droid reads and searches files without asking, and runs commands which it takes to
 * do nothing, among them `> file`.
 */
export const sessionCapabilities: BackendCapabilities = {
  resume: true,
  fork: true,
  permissions: ["allow-all", "deny-all"],
  updatedInput: false,
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
  thinking: ["off", "low", "medium", "high"],
  agentModes: ["spec"],
  models: "cli",
};

/**
 * The process of a turn speaks the same protocol; but between the turns there is none to ask for a list of models. A
 * session that is taken up keeps its model, whatever the command line says.
 */
export const turnCapabilities: BackendCapabilities = {
  ...sessionCapabilities,
  setModel: false,
  models: "none",
};
