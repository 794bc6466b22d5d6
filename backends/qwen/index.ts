import type { AgentBackend } from "../../src/kit.ts";
import { qwenLaunch } from "./launch.ts";
import { checkQwenOptions, type QwenOptions } from "./options.ts";
import { qwenCapabilities, qwenCli, qwenCredentials } from "./recipe.ts";
import { SessionProtocol } from "./session/protocol.ts";
import { TurnProtocol } from "./turn/protocol.ts";

export type { QwenOptions } from "./options.ts";

/**
 * Makes a backend for Qwen Code. It does no I/O: the CLI is looked up, or installed, when a box starts.
 *
 * In mode `"session"` (the default) one `qwen --acp` lives as long as the session; in mode `"turn"` each turn is a
 * process of its own, which can ask neither for permissions nor questions, and takes no images.
 *
 * @throws TypeError that names the option, the value received and the correction.
 *
 * @example
 * const box = await SandboxAgent.start({ sandbox: docker(), agent: qwen({ model: "qwen3-coder-plus" }) });
 */
export function qwen(options: QwenOptions = {}): AgentBackend {
  checkQwenOptions(options);
  const mode = options.mode ?? "session";
  const { apiKey, command, model } = options;
  return {
    name: "qwen",
    mode,
    capabilities: qwenCapabilities(mode),
    cli: qwenCli,
    credentials: qwenCredentials(options),
    ...(model === undefined ? {} : { model }),
    env: { ...options.env, ...(apiKey === undefined ? {} : { OPENAI_API_KEY: apiKey }) },
    ...(command === undefined ? {} : { command: typeof command === "string" ? [command] : command }),
    install: options.install ?? true,
    launch: (input) => qwenLaunch(options, input),
    protocol: (input) => (mode === "turn" ? new TurnProtocol(input) : new SessionProtocol(input)),
  };
}
