import { isJsonObject, type JsonObject, type LaunchInput, type McpServers } from "../../src/kit.ts";
import { ModelNames, providerId } from "./models.ts";
import type { OpencodeOptions } from "./options.ts";
import { ownKeyVariable } from "./recipe.ts";
import { ownToolName } from "./tools.ts";

/** Files of the session that the configuration names. */
export interface ConfigPaths {
  readonly plugin: string;
  readonly appendedPrompt: string;
  readonly skills: string;
}

/** OpenCode's configuration for a session. Of secrets it holds only those of MCP servers: it is for a file. */
export function opencodeConfig(options: OpencodeOptions, input: LaunchInput, paths: ConfigPaths): JsonObject {
  const { systemPrompt, skills } = input;
  const model = modelOf(options, input);
  const own = {
    ...commonConfig(options, input),
    // Only for what can be undone by hand; it copies the working directory.
    snapshot: false,
    agent: {
      // Each session would begin with a request to the model for a title.
      title: { disable: true },
      ...(systemPrompt !== undefined && "replace" in systemPrompt
        ? { build: { prompt: systemPrompt.replace }, plan: { prompt: systemPrompt.replace } }
        : {}),
    },
    permission: permission(input),
    mcp: mcpServers(input.mcpServers),
    instructions: [
      ...(readsProject(options, input) ? [] : [`${input.cwd}/AGENTS.md`]),
      ...(systemPrompt !== undefined && "append" in systemPrompt ? [paths.appendedPrompt] : []),
    ],
    ...(skills === undefined ? {} : { skills: { paths: [paths.skills] } }),
    ...(model === undefined ? {} : { model: new ModelNames(options).own(model) }),
    ...(options.baseUrl === undefined || model === undefined
      ? {}
      : { small_model: new ModelNames(options).own(model) }),
  };
  const merged = merge(own, options.config ?? {});
  return { ...merged, plugin: [`file://${paths.plugin}`, ...list(options.config?.["plugin"])] };
}

/** What no project may change. It is for the environment. */
export function commonConfig(options: OpencodeOptions, input: LaunchInput): JsonObject {
  const providers = provider(options, input);
  const model = modelOf(options, input);
  const isHosted = model?.startsWith("opencode/") === true || (input.env["OPENCODE_API_KEY"] ?? "") !== "";
  return {
    autoupdate: false,
    share: "disabled",
    // Without a model OpenCode would fall back to one of its own hosted ones, and send it everything.
    ...(isHosted ? {} : { disabled_providers: ["opencode"] }),
    ...(providers === undefined ? {} : { provider: providers }),
  };
}

/** The model of the process; with `baseUrl` there is always one. */
export function modelOf(options: OpencodeOptions, input: LaunchInput): string | undefined {
  const model = input.model ?? options.model ?? options.models?.[0];
  if (model !== undefined || options.baseUrl === undefined) return model;
  throw new TypeError('opencode(): option "model" is missing: it names the model to use at "baseUrl".');
}

/** Whether the project's own configuration applies. */
export function readsProject(options: OpencodeOptions, { permissions }: LaunchInput): boolean {
  return options.projectConfig ?? permissions === "allow-all";
}

/**
 * A JSON text in which OpenCode finds no variables: it replaces `{env:NAME}` and `{file:path}` wherever they stand,
 * also in a prompt. Those of the library's own begin with a mark instead.
 */
export function configText(config: JsonObject): string {
  return JSON.stringify(config)
    .replace(/\{(env|file):/g, "\\u007b$1:")
    .replaceAll(ownVariableMark, "{env:");
}

/** Stands where a variable is really meant. No text holds a lone surrogate by chance. */
const ownVariableMark = "\\udc00env:";

function ownVariable(name: string): string {
  return `\udc00env:${name}}`;
}

function provider(options: OpencodeOptions, input: LaunchInput): JsonObject | undefined {
  const { baseUrl, apiKey } = options;
  const model = modelOf(options, input);
  const keyVariable = [ownKeyVariable, "OPENAI_API_KEY"].find((name) => (input.env[name] ?? "") !== "");
  if (baseUrl === undefined) {
    const id = model?.split("/", 1)[0];
    if (apiKey === undefined || id === undefined) return undefined;
    return { [id]: { options: { apiKey: ownVariable(ownKeyVariable) } } };
  }
  const names = [...new Set([model, options.model, ...(options.models ?? [])])].filter(
    (name) => name !== undefined,
  );
  return {
    [providerId]: {
      npm: "@ai-sdk/openai-compatible",
      name: providerId,
      options: {
        baseURL: baseUrl,
        ...(keyVariable === undefined ? {} : { apiKey: ownVariable(keyVariable) }),
      },
      models: Object.fromEntries(names.map((name) => [name, ownModel(options, input)])),
    },
  };
}

function ownModel(
  { contextWindow, maxOutputTokens }: OpencodeOptions,
  { thinking }: LaunchInput,
): JsonObject {
  const isLimited = contextWindow !== undefined || maxOutputTokens !== undefined;
  return {
    attachment: true,
    modalities: { input: ["text", "image"], output: ["text"] },
    // Levels of thinking come with it, and OpenCode would choose one by itself.
    ...(thinking === undefined ? {} : { reasoning: true }),
    ...(isLimited ? { limit: { context: contextWindow ?? 0, output: maxOutputTokens ?? 0 } } : {}),
  };
}

/** The plugin decides on each call: here it is only kept from OpenCode's own questions, and what is denied is not offered. */
function permission({ permissions, allowedTools }: LaunchInput): JsonObject {
  if (permissions === "deny-all") return { "*": "deny" };
  const unasked = { doom_loop: "allow", external_directory: "allow", read: "allow" };
  if (allowedTools === undefined) return unasked;
  const names = allowedTools.map((name) => permissionNames[name] ?? ownToolName(name));
  const { read: _read, ...rest } = unasked;
  return { "*": "deny", ...rest, ...Object.fromEntries(names.map((name) => [name, "allow"])) };
}

/** The tools that OpenCode permits under another name than their own. */
const permissionNames: { readonly [tool: string]: string } = {
  write: "edit",
  apply_patch: "edit",
  multiedit: "edit",
  patch: "edit",
};

function mcpServers(servers: McpServers): JsonObject {
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]) => [
      name,
      server.type === "stdio"
        ? { type: "local", command: [server.command, ...(server.args ?? [])], environment: server.env ?? {} }
        : // Nobody is there to log in with a browser.
          { type: "remote", url: server.url, headers: server.headers ?? {}, oauth: false },
    ]),
  );
}

function merge(base: JsonObject, over: JsonObject): JsonObject {
  const merged: { [name: string]: unknown } = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const below = Object.hasOwn(merged, name) ? merged[name] : undefined;
    merged[name] = isJsonObject(below) && isJsonObject(value) ? merge(below, value) : value;
  }
  return merged;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
