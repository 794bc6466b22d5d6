import type { AgentBackend } from "../../src/kit.ts";
import { opencodeLaunch } from "./launch.ts";
import { ModelNames } from "./models.ts";
import { checkOpencodeOptions, vendorModelProblem, type OpencodeOptions } from "./options.ts";
import { opencodeCapabilities, opencodeCli, opencodeCredentials, ownKeyVariable } from "./recipe.ts";
import { RunProtocol } from "./run-protocol.ts";
import { SessionProtocol } from "./session-protocol.ts";

export type { OpencodeOptions } from "./options.ts";

/**
 * Makes a backend for OpenCode. It does no I/O: the CLI is looked up, or installed, when a box starts.
 *
 * In mode `"session"` (the default) one `opencode acp` lives as long as the session; in mode `"turn"` each turn is an
 * `opencode run`, which can ask neither for permissions nor questions. In both a plugin of the library's, which runs
 * inside of OpenCode, tells what the agent does and holds its tools back.
 *
 * @throws TypeError that names the option, the value received and the correction.
 *
 * @example
 * const box = await SandboxAgent.start({ sandbox: docker(), agent: opencode({ model: "anthropic/claude-sonnet-4-5" }) });
 */
export function opencode(options: OpencodeOptions = {}): AgentBackend {
  checkOpencodeOptions(options);
  const mode = options.mode ?? "session";
  const { apiKey, baseUrl, command, model } = options;
  const models = new ModelNames(options);
  return {
    name: "opencode",
    mode,
    capabilities: opencodeCapabilities(options, mode),
    cli: opencodeCli,
    credentials: opencodeCredentials(options),
    ...(model === undefined ? {} : { model }),
    // Any name may be known at the caller's own address.
    ...(baseUrl === undefined ? { modelProblem: vendorModelProblem } : {}),
    env: { ...options.env, ...(apiKey === undefined ? {} : { [ownKeyVariable]: apiKey }) },
    ...(command === undefined ? {} : { command: typeof command === "string" ? [command] : command }),
    install: options.install ?? true,
    launch: (input) => opencodeLaunch(options, input),
    protocol: (input) =>
      mode === "turn" ? new RunProtocol(input, models) : new SessionProtocol(input, models),
  };
}
