import type { AgentBackend, Environment } from "../../src/kit.ts";
import { copilotLaunch } from "./launch.ts";
import { checkCopilotOptions, type CopilotOptions } from "./options.ts";
import {
  copilotCli,
  copilotCredentials,
  copilotModels,
  sessionCapabilities,
  turnCapabilities,
} from "./recipe.ts";
import { ServerProtocol } from "./server/protocol.ts";
import { TurnProtocol } from "./turn/protocol.ts";

export type { CopilotOptions, CopilotProviderType, CopilotWireApi } from "./options.ts";

/**
 * Makes a backend for the GitHub Copilot CLI. It does no I/O: the CLI is looked up, or installed, when a box starts.
 *
 * In mode `"session"` (the default) one headless server of the CLI serves the whole session; it needs Node in the
 * sandbox. In mode `"turn"` each turn is a process of its own, which can ask neither permissions nor questions.
 *
 * @throws TypeError that names the option, the value received and the correction.
 *
 * @example
 * const agent = copilot({ baseUrl: "https://models.example.com/v1", apiKey: key, model: "gpt-5.4" });
 */
export function copilot(options: CopilotOptions = {}): AgentBackend {
  checkCopilotOptions(options);
  const mode = options.mode ?? "session";
  const { command, model } = options;
  return {
    name: "copilot",
    mode,
    capabilities: mode === "turn" ? turnCapabilities : sessionCapabilities,
    cli: copilotCli,
    credentials: copilotCredentials,
    documentedModels: copilotModels,
    env: environment(options),
    install: options.install ?? true,
    ...(model === undefined ? {} : { model }),
    ...(command === undefined ? {} : { command: typeof command === "string" ? [command] : command }),
    launch: (input) => copilotLaunch(options, input),
    protocol: (input) => (mode === "turn" ? new TurnProtocol(input) : new ServerProtocol(options, input)),
  };
}

function environment({ env, baseUrl, apiKey, githubToken, ...rest }: CopilotOptions): Environment {
  return {
    ...env,
    ...(baseUrl === undefined ? {} : { COPILOT_PROVIDER_BASE_URL: baseUrl }),
    ...(apiKey === undefined ? {} : { COPILOT_PROVIDER_API_KEY: apiKey }),
    ...(rest.providerType === undefined ? {} : { COPILOT_PROVIDER_TYPE: rest.providerType }),
    ...(rest.wireApi === undefined ? {} : { COPILOT_PROVIDER_WIRE_API: rest.wireApi }),
    ...(githubToken === undefined ? {} : { COPILOT_GITHUB_TOKEN: githubToken }),
  };
}
