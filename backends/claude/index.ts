import type { AgentBackend, Environment } from "../../src/kit.ts";
import { claudeLaunch } from "./launch.ts";
import { documentedModels, modelProblem } from "./models.ts";
import { checkClaudeOptions, type ClaudeOptions } from "./options.ts";
import { ClaudeProtocol } from "./protocol.ts";
import { claudeCapabilities, claudeCli, claudeCredentials } from "./recipe.ts";

export type { ClaudeOptions, ClaudePermissionMode, ClaudeSettingSource } from "./options.ts";

/**
 * Makes a backend for Claude Code. It does no I/O: the CLI is looked up, or installed, when a box starts.
 *
 * One process serves a whole session (mode `"session"`, the default), or each turn gets one of its own that resumes
 * the session (mode `"turn"`); both can ask for permissions, be interrupted and steered.
 *
 * @throws TypeError that names the option, the value received and the correction.
 *
 * @example
 * const box = await SandboxAgent.start({ sandbox: docker(), agent: claude({ model: "sonnet", maxTurns: 20 }) });
 */
export function claude(options: ClaudeOptions = {}): AgentBackend {
  checkClaudeOptions(options);
  const mode = options.mode ?? "session";
  const { command, model } = options;
  return {
    name: "claude",
    mode,
    capabilities: claudeCapabilities(mode),
    cli: claudeCli,
    credentials: claudeCredentials,
    documentedModels,
    modelProblem: (name, env) => modelProblem(options, name, env),
    env: environment(options),
    startsStoppedCalls: true,
    install: options.install ?? true,
    ...(model === undefined ? {} : { model }),
    ...(command === undefined ? {} : { command: typeof command === "string" ? [command] : command }),
    launch: (input) => claudeLaunch(options, input),
    protocol: (input) => new ClaudeProtocol(input, mode),
  };
}

function environment(options: ClaudeOptions): Environment {
  const { apiKey, baseUrl, env } = options;
  return {
    ...env,
    ...(baseUrl === undefined ? {} : { ANTHROPIC_BASE_URL: baseUrl }),
    ...(apiKey === undefined ? {} : { ANTHROPIC_API_KEY: apiKey }),
  };
}
