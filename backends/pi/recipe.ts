import type { BackendCapabilities, CliRecipe, CredentialRecipe } from "../../src/kit.ts";
import { customKeyVariable, providerVariables } from "./providers.ts";

export const piCli: CliRecipe = {
  command: "pi",
  package: "@mariozechner/pi-coding-agent",
  version: "0.73.1",
  versionArguments: ["--version"],
  executables: [".bin/pi"],
  nodeMajor: 20,
};

/** Sets of variables that suffice, beside each provider's own key. */
const otherSets: readonly (readonly string[])[] = [
  ["AWS_PROFILE"],
  ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  ["AWS_BEARER_TOKEN_BEDROCK"],
];

/** What belongs to a key without being one: an account, a region, the address of a gateway. */
const companions = [
  "AZURE_OPENAI_BASE_URL",
  "AZURE_OPENAI_RESOURCE_NAME",
  "AZURE_OPENAI_API_VERSION",
  "AZURE_OPENAI_DEPLOYMENT_NAME_MAP",
  "CLOUDFLARE_ACCOUNT_ID",
  "CLOUDFLARE_GATEWAY_ID",
  "AWS_REGION",
];

/**
 * The credentials for one of Pi's providers, or for any of them when it is not known which. A server of the caller's
 * own may need none.
 */
export function piCredentials(provider: string | undefined, needsNone: boolean): CredentialRecipe {
  const all = [...new Set(Object.values(providerVariables).flat())];
  const own =
    provider !== undefined && Object.hasOwn(providerVariables, provider)
      ? providerVariables[provider]
      : undefined;
  const keys = own ?? (provider === undefined ? all : []);
  return {
    anyOf:
      needsNone || keys.length === 0
        ? []
        : [...keys.map((name) => [name]), ...(own === undefined ? otherSets : [])],
    forwarded: [...all, ...otherSets.flat(), ...companions],
    secret: [
      ...all,
      customKeyVariable,
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY",
      "AWS_SESSION_TOKEN",
      "AWS_BEARER_TOKEN_BEDROCK",
    ],
  };
}

export const sessionCapabilities: BackendCapabilities = {
  resume: true,
  fork: true,
  permissions: ["allow-all", "deny-all", "ask"],
  updatedInput: true,
  questions: true,
  steering: true,
  interrupt: "protocol",
  images: true,
  mcpServers: [],
  systemPrompt: ["append", "replace"],
  setModel: true,
  textDeltas: true,
  reasoning: true,
  usage: true,
  cost: true,
  compaction: true,
  allowedTools: true,
  skills: true,
  structuredOutput: "prompted",
  thinking: ["off", "minimal", "low", "medium", "high", "xhigh"],
  agentModes: [],
  models: "cli",
};

/** `pi --mode json` reads its input to the end before it begins, and has nobody to ask. */
export const turnCapabilities: BackendCapabilities = {
  ...sessionCapabilities,
  permissions: ["allow-all", "deny-all"],
  updatedInput: false,
  questions: false,
  steering: false,
  interrupt: "signal",
  models: "none",
};
