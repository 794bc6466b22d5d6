import { isJsonObject, type JsonObject, type LaunchInput, type McpServerSpec } from "../../src/kit.ts";
import { gateServer } from "./mcp-gate.ts";
import type { QwenOptions } from "./options.ts";
import { askableTools, listlessTools, ownTools, questionTool, unaskableTools } from "./tools.ts";

/** Where the settings lead to. */
export interface SettingsPaths {
  /** The program between Qwen Code and the MCP servers, where it has to ask about their tools. */
  readonly gate: string;
}

/** The settings of the user: the project's win over them. */
export function userSettings({ settings = {} }: QwenOptions, { permissions }: LaunchInput): JsonObject {
  const { permissions: rules, tools, ...rest } = settings;
  const isOpen = permissions === "allow-all";
  // A rule that allows a call would keep it from being asked about.
  const asked = {
    ...(isJsonObject(rules) ? { permissions: without(rules, "allow") } : {}),
    ...(isJsonObject(tools) ? { tools: without(tools, "allowed") } : {}),
  };
  return merge(quiet, { $version: 4, ...(isOpen ? settings : { ...rest, ...asked }) });
}

/** The settings of the system: they win over the user's and the project's. */
export function systemSettings(options: QwenOptions, input: LaunchInput, paths: SettingsPaths): JsonObject {
  const own = {
    $version: 4,
    security: { auth: { selectedType: "openai" }, folderTrust: { enabled: false } },
    modelProviders: modelProviders(options, input),
    permissions: permissions(input),
    mcpServers: mcpServers(input, paths),
    ...(options.maxSessionTurns === undefined ? {} : { model: { maxSessionTurns: options.maxSessionTurns } }),
    ...toolList(input),
  };
  return input.permissions === "allow-all" ? own : merge(own, nothingUnasked);
}

/** No traffic and no request to a model that the session does not need. */
const quiet: JsonObject = {
  general: { enableAutoUpdate: false, chatRecording: true, gitCoAuthor: false },
  privacy: { usageStatisticsEnabled: false },
  telemetry: { enabled: false },
  memory: { enableManagedAutoMemory: false, enableManagedAutoDream: false, enableAutoSkill: false },
  experimental: { emitToolUseSummaries: false, cron: false },
  model: { skipNextSpeakerCheck: true },
  tools: { sandbox: false },
};

/** Settings of a project that run commands, or send requests elsewhere, without a tool call. */
const nothingUnasked: JsonObject = {
  disableAllHooks: true,
  telemetry: { enabled: false },
  tools: { discoveryCommand: "", callCommand: "", sandbox: false },
  mcp: { serverCommand: "" },
  proxy: "",
};

function modelProviders(options: QwenOptions, input: LaunchInput): JsonObject {
  const baseUrl = options.baseUrl ?? input.env["OPENAI_BASE_URL"];
  const model = modelOf(options, input);
  const names = [...new Set([model, options.model, ...(options.models ?? [])])].filter(
    (name) => name !== undefined,
  );
  const { contextWindow, maxRetries } = options;
  const generationConfig = {
    ...(input.thinking === undefined ? {} : { reasoning: { effort: input.thinking } }),
    ...(contextWindow === undefined ? {} : { contextWindowSize: contextWindow }),
    ...(maxRetries === undefined ? {} : { maxRetries }),
    modalities: { image: true },
  };
  return {
    openai: names.map((id) => ({
      id,
      name: id,
      envKey: "OPENAI_API_KEY",
      ...(baseUrl === undefined ? {} : { baseUrl }),
      generationConfig,
    })),
  };
}

/** The model of the process, as far as it is said. */
export function modelOf(options: QwenOptions, input: LaunchInput): string | undefined {
  return input.model ?? options.model ?? input.env["OPENAI_MODEL"] ?? options.models?.[0];
}

/** Rules win in the order deny, ask, allow, wherever they come from. */
function permissions(input: LaunchInput): JsonObject {
  const { allowedTools } = input;
  const unwanted = [
    ...(input.answersQuestions ? [] : [questionTool]),
    ...(allowedTools === undefined ? [] : listlessTools.filter((name) => !allowedTools.includes(name))),
    ...(allowedTools?.some((name) => name.startsWith("mcp__")) === false ? ["mcp__*"] : []),
  ];
  switch (input.permissions) {
    case "allow-all":
      return { deny: [...new Set(unwanted)] };
    case "deny-all":
      return { deny: [...ownTools, "mcp__*"] };
    case "ask":
      // Of MCP servers' tools the gate has it ask: with a rule it would not say which one it asks about.
      return { ask: [...askableTools], deny: [...new Set([...unaskableTools, ...unwanted])] };
  }
}

/** A list of the tools to have. A rule against `edit` would be one against `write_file` too. */
function toolList({ allowedTools }: LaunchInput): JsonObject {
  if (allowedTools === undefined) return {};
  const listed = allowedTools.filter((name) => ownTools.includes(name) && !listlessTools.includes(name));
  // An empty list is none.
  return { tools: { core: listed.length === 0 ? ["none"] : listed } };
}

function mcpServers(input: LaunchInput, paths: SettingsPaths): JsonObject {
  const { allowedTools, permissions: mode } = input;
  const entries = Object.entries(input.mcpServers).map(([name, server], place) => {
    const prefix = `mcp__${name}__`;
    const own = allowedTools
      ?.filter((tool) => tool.startsWith(prefix))
      .map((tool) => tool.slice(prefix.length));
    const included = own === undefined ? {} : { includeTools: own };
    const config =
      mode === "ask" ? gateServer(server, place, own, paths.gate) : { ...plainServer(server), ...included };
    return [name, { ...config, trust: false }] as const;
  });
  return Object.fromEntries(entries);
}

function plainServer(server: McpServerSpec): JsonObject {
  return server.type === "stdio"
    ? { command: server.command, args: server.args ?? [], env: server.env ?? {} }
    : { httpUrl: server.url, headers: server.headers ?? {} };
}

function without(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}

function merge(base: JsonObject, over: JsonObject): JsonObject {
  const merged: { [name: string]: unknown } = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const below = Object.hasOwn(merged, name) ? merged[name] : undefined;
    merged[name] = isJsonObject(below) && isJsonObject(value) ? merge(below, value) : value;
  }
  return merged;
}
