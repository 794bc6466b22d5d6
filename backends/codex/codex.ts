import type {
  AgentBackend,
  BackendCapabilities,
  CliRecipe,
  CredentialRecipe,
  ProtocolInput,
} from "../../src/kit.ts";
import type { AppServerInput } from "./app-server/handshake.ts";
import { AppServerProtocol } from "./app-server/protocol.ts";
import { ExecProtocol } from "./exec/protocol.ts";
import { codexLaunch, sandboxMode, trustsProject } from "./launch.ts";
import { documentedModels, modelProblem } from "./models.ts";
import { checkCodexOptions, type CodexOptions } from "./options.ts";

const cli: CliRecipe = {
  command: "codex",
  package: "@openai/codex",
  version: "0.169.0",
  versionArguments: ["--version"],
  executables: [
    "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
    "@openai/codex-linux-arm64/vendor/aarch64-unknown-linux-musl/bin/codex",
    "@openai/codex-darwin-arm64/vendor/aarch64-apple-darwin/bin/codex",
    "@openai/codex-darwin-x64/vendor/x86_64-apple-darwin/bin/codex",
    ".bin/codex",
  ],
};

const credentials: CredentialRecipe = {
  anyOf: [["CODEX_API_KEY"], ["OPENAI_API_KEY"]],
  forwarded: ["CODEX_API_KEY", "OPENAI_API_KEY"],
  secret: ["CODEX_API_KEY", "OPENAI_API_KEY"],
};

const sessionCapabilities: BackendCapabilities = {
  resume: true,
  fork: true,
  permissions: ["allow-all", "deny-all", "ask"],
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
  thinking: ["low", "medium", "high", "xhigh", "max"],
  agentModes: ["plan"],
  models: "cli",
};

const turnCapabilities: BackendCapabilities = {
  ...sessionCapabilities,
  permissions: ["allow-all", "deny-all"],
  questions: false,
  steering: false,
  interrupt: "signal",
  images: false,
  textDeltas: false,
  compaction: false,
  // `exec` looks for skills only in folders that all sessions share, and knows but one mode.
  skills: false,
  agentModes: [],
  models: "documented",
};

/**
 * Makes the backend for OpenAI's Codex CLI. It does no I/O: the CLI is looked for when a session starts.
 *
 * In mode `"session"` (the default) one `codex app-server` lives as long as the session; in mode `"turn"` each turn
 * is a `codex exec`, which streams no text, asks no permission and takes no images.
 *
 * @throws TypeError for an option that is unknown or wrong.
 * @example
 * ```ts
 * const agent = codex({ model: "gpt-6-sol", reasoningEffort: "high" });
 * ```
 */
export function codex(options: CodexOptions = {}): AgentBackend {
  checkCodexOptions(options);
  const { apiKey, command } = options;
  const mode = options.mode ?? "session";
  return {
    name: "codex",
    mode,
    capabilities: mode === "turn" ? turnCapabilities : sessionCapabilities,
    cli,
    credentials,
    ...(options.model === undefined ? {} : { model: options.model }),
    documentedModels,
    modelProblem: (name, env) => modelProblem(options, name, env),
    env: { ...options.env, ...(apiKey === undefined ? {} : { CODEX_API_KEY: apiKey }) },
    ...(command === undefined ? {} : { command: typeof command === "string" ? [command] : command }),
    startsStoppedCalls: true,
    install: options.install ?? true,
    launch: (input) => codexLaunch(options, input),
    protocol: (input) =>
      mode === "turn" ? new ExecProtocol(input) : new AppServerProtocol(appServerInput(options, input)),
  };
}

function appServerInput(options: CodexOptions, input: ProtocolInput): AppServerInput {
  const effort = input.thinking ?? options.reasoningEffort;
  return {
    ...input,
    sandboxMode: sandboxMode(options, input.permissions),
    trustsProject: trustsProject(options, input),
    ...(effort === undefined ? {} : { effort }),
  };
}
