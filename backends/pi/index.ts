import type { AgentBackend, Environment } from "../../src/kit.ts";
import { JsonProtocol } from "./json-protocol.ts";
import { piLaunch } from "./launch.ts";
import { checkPiOptions, isOwnServer, keyVariable, providerOf, type PiOptions } from "./options.ts";
import { customKeyVariable } from "./providers.ts";
import { piCli, piCredentials, sessionCapabilities, turnCapabilities } from "./recipe.ts";
import { RpcProtocol } from "./rpc-protocol.ts";

export type { PiApi, PiModel, PiOptions } from "./options.ts";

/**
 * Makes a backend for Pi. It does no I/O: the CLI is looked up, or installed, when a box starts.
 *
 * In mode `"session"` (the default) one `pi --mode rpc` lives as long as the session; in mode `"turn"` each turn is a
 * `pi --mode json`, which can ask nobody.
 *
 * @throws TypeError that names the option, the value received and the correction.
 *
 * @example
 * const box = await SandboxAgent.start({ sandbox: docker(), agent: pi({ model: "openai/gpt-5" }) });
 */
export function pi(options: PiOptions = {}): AgentBackend {
  checkPiOptions(options);
  const mode = options.mode ?? "session";
  const { command, model } = options;
  return {
    name: "pi",
    mode,
    capabilities: mode === "turn" ? turnCapabilities : sessionCapabilities,
    cli: piCli,
    credentials: piCredentials(providerOf(options), isOwnServer(options)),
    env: environment(options),
    install: options.install ?? true,
    ...(model === undefined ? {} : { model }),
    ...(command === undefined ? {} : { command: typeof command === "string" ? [command] : command }),
    launch: (input) => piLaunch(options, input),
    protocol: (input) => (mode === "turn" ? new JsonProtocol(input) : new RpcProtocol(input)),
  };
}

function environment(options: PiOptions): Environment {
  const { apiKey, env } = options;
  if (apiKey === undefined) return { ...env };
  const name = isOwnServer(options) ? customKeyVariable : keyVariable(options);
  return name === undefined ? { ...env } : { ...env, [name]: apiKey };
}
