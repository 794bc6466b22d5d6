import { modelVendor, type AgentBackend, type Environment } from "../../src/kit.ts";
import { geminiLaunch } from "./launch.ts";
import { checkGeminiOptions, type GeminiOptions } from "./options.ts";
import {
  documentedModels,
  geminiCli,
  geminiCredentials,
  sessionCapabilities,
  turnCapabilities,
} from "./recipe.ts";
import { SessionProtocol } from "./session-protocol.ts";
import { TurnProtocol } from "./turn-protocol.ts";

/**
 * Makes the backend for Google's Gemini CLI. It does no I/O: the CLI is looked up, or installed, when a box starts.
 *
 * In mode `"session"` (the default) one `gemini --acp` lives as long as the session; in mode `"turn"` each turn is a
 * process of its own, which tells no reasoning, asks no permission and takes no images.
 *
 * @throws TypeError for an option that is unknown or wrong.
 * @example
 * ```ts
 * const agent = gemini({ model: "gemini-2.5-pro" });
 * ```
 */
export function gemini(options: GeminiOptions = {}): AgentBackend {
  checkGeminiOptions(options);
  const { command, model } = options;
  const mode = options.mode ?? "session";
  return {
    name: "gemini",
    mode,
    capabilities: mode === "turn" ? turnCapabilities : sessionCapabilities,
    cli: geminiCli,
    credentials: geminiCredentials,
    documentedModels,
    ...(model === undefined ? {} : { model }),
    modelProblem,
    env: environment(options),
    ...(command === undefined ? {} : { command: typeof command === "string" ? [command] : command }),
    install: options.install ?? true,
    launch: (input) => geminiLaunch(options, input),
    protocol: (input) => (mode === "turn" ? new TurnProtocol(input) : new SessionProtocol(input)),
  };
}

/** Why the CLI cannot know a model, which surely is another vendor's; `undefined` where it may. */
function modelProblem(model: string, env: Environment): string | undefined {
  const vendor = modelVendor(model);
  const isElsewhere = Object.entries(env).some(([name, value]) => name.endsWith("_BASE_URL") && value !== "");
  if (vendor === undefined || vendor === "Google" || isElsewhere) return undefined;
  return `it is one of ${vendor}'s, which Google's API does not serve. Name a model such as "gemini-2.5-pro", or set "baseUrl" to an address that serves it`;
}

function environment({ apiKey, baseUrl, env }: GeminiOptions): Environment {
  return {
    ...env,
    ...(baseUrl === undefined ? {} : { GOOGLE_GEMINI_BASE_URL: baseUrl, GOOGLE_VERTEX_BASE_URL: baseUrl }),
    ...(apiKey === undefined ? {} : { GEMINI_API_KEY: apiKey }),
  };
}
