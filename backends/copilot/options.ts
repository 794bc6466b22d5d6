import {
  backendOptionChecks,
  isBoolean,
  isOneOf,
  refuseReserved,
  validateOptions,
  type BackendOptions,
  type OptionCheck,
} from "../../src/kit.ts";

/** The kind of service that serves the model, where it is not GitHub's. */
export type CopilotProviderType = "openai" | "azure" | "anthropic";
/** The API that this service speaks. */
export type CopilotWireApi = "completions" | "responses";

/**
 * Options of `copilot()`. With `baseUrl` the model is that of another provider, and neither a GitHub account nor
 * GitHub's network is needed.
 */
export interface CopilotOptions extends BackendOptions {
  /**
   * Token of a GitHub account with Copilot; default: `COPILOT_GITHUB_TOKEN` of the environment. It never appears in
   * an argument.
   */
  readonly githubToken?: string;
  /** Key for the provider at `baseUrl`; default: `COPILOT_PROVIDER_API_KEY` of the environment. */
  readonly apiKey?: string;
  /** Which kind of provider `baseUrl` is. Default: the CLI's own, which is `"openai"`. */
  readonly providerType?: CopilotProviderType;
  /** Which API of an OpenAI-like provider is spoken. Default: the CLI's own, which is `"completions"`. */
  readonly wireApi?: CopilotWireApi;
  /** Tools that the agent is not offered, by the CLI's names, also where the session names `allowedTools`. */
  readonly excludedTools?: readonly string[];
  /** Whether `AGENTS.md` and the like are read. Default `true`. */
  readonly customInstructions?: boolean;
  /**
   * Whether hooks and skills of the working directory apply; its hooks run commands that nobody is asked about, so
   * that `true` needs `permissions: "allow-all"`. Default: only there.
   */
  readonly trustProject?: boolean;
  /** Whether GitHub's own MCP servers are started, which need a GitHub account. Default `false`. */
  readonly builtinMcpServers?: boolean;
}

const isSecret: OptionCheck = (value) =>
  // Anything else cannot be sent in a header.
  typeof value === "string" && /^[\x21-\x7e]+$/.test(value)
    ? undefined
    : "a text of printable ASCII characters without blanks";

const areToolNames: OptionCheck = (value) =>
  // The CLI separates names by commas and blanks.
  Array.isArray(value) && value.every((item) => typeof item === "string" && /^[^\s,]+$/.test(item))
    ? undefined
    : 'an array of tool names such as ["web_fetch"]';

const checks: { readonly [Name in keyof Required<CopilotOptions>]: OptionCheck } = {
  ...backendOptionChecks,
  githubToken: isSecret,
  apiKey: isSecret,
  providerType: isOneOf("openai", "azure", "anthropic"),
  wireApi: isOneOf("completions", "responses"),
  excludedTools: areToolNames,
  customInstructions: isBoolean,
  trustProject: isBoolean,
  builtinMcpServers: isBoolean,
};

const readsOutput = "the library reads the CLI's output";
const ownMode = 'use the option "mode"';
const usePermissions = 'use the session\'s option "permissions"';
const useAllowedTools = 'use the session\'s option "allowedTools"';
const useResume = "resume a session by the library";
const useTrustProject = 'use the option "trustProject"';
const endsAtOnce = "the CLI would end at once";
const staysHere = "the agent works in the session's cwd";

/** Arguments the library sets itself, by what to use instead. */
const reservedArguments: { readonly [flag: string]: string } = {
  "-p": "the prompt goes over standard input",
  "--prompt": "the prompt goes over standard input",
  "-i": "the prompt goes over standard input",
  "--interactive": "the prompt goes over standard input",
  "-s": readsOutput,
  "--silent": readsOutput,
  "--output-format": readsOutput,
  "--stream": readsOutput,
  "--usage-output-file": readsOutput,
  "--headless": ownMode,
  "--server": ownMode,
  "--acp": ownMode,
  "--stdio": ownMode,
  "--port": ownMode,
  "--ui-server": ownMode,
  "--session-id": "the library chooses it",
  "-r": useResume,
  "--resume": useResume,
  "--continue": useResume,
  "--connect": useResume,
  "--model": 'use the option "model"',
  "--reasoning-effort": 'use the session\'s option "thinking"',
  "--effort": 'use the session\'s option "thinking"',
  "--mode": 'use the session\'s option "agentMode"',
  "--plan": 'use the session\'s option "agentMode"',
  "--autopilot": "the turn would not end with the agent's answer",
  "--allow-all-tools": usePermissions,
  "--allow-all-paths": usePermissions,
  "--allow-all-urls": usePermissions,
  "--allow-all": usePermissions,
  "--yolo": usePermissions,
  "--allow-tool": usePermissions,
  "--allow-url": usePermissions,
  "--assisted-approval": usePermissions,
  "--available-tools": useAllowedTools,
  "--excluded-tools": 'use the option "excludedTools"',
  "--additional-mcp-config": 'use the session\'s option "mcpServers"',
  "--no-custom-instructions": 'use the option "customInstructions"',
  "--disable-builtin-mcps": 'use the option "builtinMcpServers"',
  "--trust-folder": useTrustProject,
  "--no-ask-user": 'use the option "onQuestion"',
  "--attachment": "images are parts of the prompt",
  "-C": staysHere,
  "--worktree": staysHere,
  "-h": endsAtOnce,
  "--help": endsAtOnce,
  "-v": endsAtOnce,
  "--version": endsAtOnce,
  "--": "no prompt is passed by argument",
};

/**
 * Checks the options of `copilot()`.
 *
 * @throws TypeError that names the option, the value received and the correction.
 */
export function checkCopilotOptions(options: CopilotOptions): void {
  validateOptions("copilot()", options, checks);
  refuseReserved("copilot()", options.extraArgs, reservedArguments);
  for (const name of ["apiKey", "providerType", "wireApi"] as const) {
    // The address may also come by the environment, but a key that goes to nobody knows where is a mistake.
    if (options[name] === undefined || options.baseUrl !== undefined || hasProviderUrl(options)) continue;
    throw new TypeError(
      `copilot(): option "${name}" needs option "baseUrl", the provider's address, or COPILOT_PROVIDER_BASE_URL in option "env".`,
    );
  }
}

function hasProviderUrl({ env }: CopilotOptions): boolean {
  return (env?.["COPILOT_PROVIDER_BASE_URL"] ?? "") !== "";
}
