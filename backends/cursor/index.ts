import type { AgentBackend, Environment } from "../../src/kit.ts";
import { cursorLaunch } from "./launch.ts";
import { checkCursorOptions, type CursorOptions } from "./options.ts";
import { CursorProtocol } from "./protocol.ts";
import { cursorCapabilities, cursorCli, cursorCredentials, cursorUnverified } from "./recipe.ts";

export type { CursorOptions } from "./options.ts";

/**
 * Makes a backend for the Cursor CLI. It does no I/O: the CLI is looked up when a box starts. It is not on npm, and so
 * has to be in the sandbox, on the PATH or at `command`.
 *
 * What it declares was not shown on the real CLI: see `unverified`. Each turn is a process of its own, and every tool call
 * is allowed: this way of running the CLI offers none to be asked.
 *
 * @throws TypeError that names the option, the value received and the correction.
 *
 * @example
 * const agent = cursor({ apiKey: key, model: "auto" });
 */
export function cursor(options: CursorOptions = {}): AgentBackend {
  checkCursorOptions(options);
  const { command, model } = options;
  return {
    name: "cursor",
    mode: "turn",
    capabilities: cursorCapabilities,
    unverified: cursorUnverified,
    cli: cursorCli,
    credentials: cursorCredentials,
    env: environment(options),
    install: false,
    ...(model === undefined ? {} : { model }),
    ...(command === undefined ? {} : { command: typeof command === "string" ? [command] : command }),
    launch: (input) => cursorLaunch(options, input),
    protocol: (input) => new CursorProtocol(input),
  };
}

function environment({ env, apiKey }: CursorOptions): Environment {
  return { ...env, ...(apiKey === undefined ? {} : { CURSOR_API_KEY: apiKey }) };
}
