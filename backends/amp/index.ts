import type { AgentBackend, Environment } from "../../src/kit.ts";
import { ampLaunch } from "./launch.ts";
import { checkAmpOptions, type AmpOptions } from "./options.ts";
import { AmpProtocol } from "./protocol.ts";
import { ampCapabilities, ampCli, ampCredentials, ampUnverified } from "./recipe.ts";

export type { AmpOptions, AmpSettings, AmpVisibility } from "./options.ts";

/**
 * Makes a backend for the Amp CLI. It does no I/O: the CLI is looked up, or installed, when a box starts.
 *
 * What it declares was not shown with the vendor's own service: see `unverified`. Each turn is a process of its own, and
 * every tool call is allowed: the CLI offers no way to be asked.
 *
 * @throws TypeError that names the option, the value received and the correction.
 *
 * @example
 * const agent = amp({ apiKey: key, visibility: "private" });
 */
export function amp(options: AmpOptions = {}): AgentBackend {
  checkAmpOptions(options);
  const { command } = options;
  return {
    name: "amp",
    mode: "turn",
    capabilities: ampCapabilities,
    unverified: ampUnverified,
    cli: ampCli,
    credentials: ampCredentials,
    env: environment(options),
    install: options.install ?? true,
    ...(command === undefined ? {} : { command: typeof command === "string" ? [command] : command }),
    modelProblem: () =>
      'Amp chooses the models itself, by its mode of work: leave the model out and use "agentMode"',
    launch: (input) => ampLaunch(options, input),
    protocol: (input) => new AmpProtocol(input),
  };
}

function environment({ env, baseUrl, apiKey }: AmpOptions): Environment {
  return {
    ...env,
    ...(baseUrl === undefined ? {} : { AMP_URL: baseUrl }),
    ...(apiKey === undefined ? {} : { AMP_API_KEY: apiKey }),
  };
}
