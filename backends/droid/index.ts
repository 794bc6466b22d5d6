import type { AgentBackend, Environment } from "../../src/kit.ts";
import { droidLaunch } from "./launch.ts";
import { checkDroidOptions, firstModel, type DroidOptions } from "./options.ts";
import { DroidProtocol } from "./protocol.ts";
import {
  droidCli,
  droidCredentials,
  providerKeyVariable,
  sessionCapabilities,
  turnCapabilities,
} from "./recipe.ts";

export type { DroidApi, DroidModel, DroidOptions } from "./options.ts";

/**
 * Makes a backend for Factory's Droid. It does no I/O: the CLI is looked up, or installed, when a box starts.
 *
 * In mode `"session"` (the default) one `droid exec` lives as long as the session; in mode `"turn"` each turn starts one,
 * which takes the session up again. Both speak the CLI's JSON-RPC.
 *
 * @throws TypeError that names the option, the value received and the correction.
 *
 * @example
 * const box = await SandboxAgent.start({ sandbox: docker(), agent: droid({ model: "claude-sonnet-5" }) });
 */
export function droid(options: DroidOptions = {}): AgentBackend {
  checkDroidOptions(options);
  const mode = options.mode ?? "session";
  const hasOwnServer = options.baseUrl !== undefined;
  const model = firstModel(options);
  const { command } = options;
  return {
    name: "droid",
    mode,
    capabilities: mode === "turn" ? turnCapabilities : sessionCapabilities,
    cli: droidCli,
    credentials: droidCredentials(hasOwnServer),
    env: environment(options, hasOwnServer),
    install: options.install ?? true,
    ...(model === undefined ? {} : { model }),
    ...(command === undefined ? {} : { command: typeof command === "string" ? [command] : command }),
    launch: (input) => droidLaunch(options, input),
    protocol: (input) =>
      new DroidProtocol(input, {
        hasOwnServer,
        isPerTurn: mode === "turn",
        ...(model === undefined ? {} : { model }),
      }),
  };
}

function environment({ apiKey, env }: DroidOptions, hasOwnServer: boolean): Environment {
  if (apiKey === undefined) return { ...env };
  return { ...env, [hasOwnServer ? providerKeyVariable : "FACTORY_API_KEY"]: apiKey };
}
