import { isJsonObject, type JsonObject, type LaunchInput, type McpServers } from "../../src/kit.ts";
import type { GeminiOptions } from "./options.ts";
import { documentedModels } from "./recipe.ts";

/** The CLI's `settings.json` for one session. */
export function settingsOf(options: GeminiOptions, input: LaunchInput): JsonObject {
  const library: JsonObject = {
    general: {
      enableAutoUpdate: false,
      enableAutoUpdateNotification: false,
      // The CLI's own default tries for four minutes where requests are refused.
      maxAttempts: 3,
      // Sessions are the host's to keep.
      sessionRetention: { enabled: false },
      ...(input.permissions === "allow-all" ? {} : { topicUpdateNarration: false }),
    },
    privacy: { usageStatisticsEnabled: false },
    telemetry: { enabled: false },
    security: {
      auth: { selectedType: authType(input) },
      // Whether the folder is trusted is told by a variable; asking would end the process.
      folderTrust: { enabled: false },
      // What a person allowed for good would not be asked about again.
      ...(input.permissions === "allow-all" ? {} : { disableAlwaysAllow: true }),
    },
    // An interactive shell gives no output.
    tools: { shell: { enableInteractiveShell: false } },
    ...(input.permissions === "allow-all"
      ? {}
      : {
          advanced: { ignoreLocalEnv: true },
          // The CLI asks for none of its own skills.
          skills: { disabled: ["antigravity-support", "skill-creator"] },
        }),
    ...(input.thinking === undefined ? {} : { modelConfigs: thinking(input.thinking, input.model) }),
    // In mode "session" the servers come by the protocol.
    ...(options.mode === "turn" ? { mcpServers: mcpServers(input.mcpServers) } : {}),
  };
  return merged(library, options.settings ?? {});
}

function authType({ env }: LaunchInput): string {
  const has = (name: string): boolean => (env[name] ?? "") !== "";
  if (env["GOOGLE_GENAI_USE_VERTEXAI"] === "true") return "vertex-ai";
  return !has("GEMINI_API_KEY") && (has("GOOGLE_API_KEY") || has("GOOGLE_CLOUD_PROJECT"))
    ? "vertex-ai"
    : "gemini-api-key";
}

const levels: { readonly [level: string]: { readonly level: string; readonly budget: number } } = {
  low: { level: "LOW", budget: 1024 },
  high: { level: "HIGH", budget: 24_576 },
};

/** Models of the generation 2.5 are given a number of tokens, later ones a word. */
function thinking(asked: string, model: string | undefined): JsonObject {
  const { level, budget } = levels[asked] ?? { level: "HIGH", budget: 24_576 };
  const names = new Set([...documentedModels.map(({ id }) => id), ...(model === undefined ? [] : [model])]);
  return {
    customOverrides: [...names].map((name) => ({
      match: { model: name },
      modelConfig: {
        generateContentConfig: {
          thinkingConfig: name.includes("2.5") ? { thinkingBudget: budget } : { thinkingLevel: level },
        },
      },
    })),
  };
}

function mcpServers(servers: McpServers): JsonObject {
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]) => [
      name,
      server.type === "http"
        ? { httpUrl: server.url, headers: server.headers ?? {} }
        : { command: server.command, args: server.args ?? [], env: server.env ?? {} },
    ]),
  );
}

function merged(base: JsonObject, over: JsonObject): JsonObject {
  const result: { [name: string]: unknown } = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const below = result[name];
    result[name] = isJsonObject(value) && isJsonObject(below) ? merged(below, value) : value;
  }
  return result;
}
