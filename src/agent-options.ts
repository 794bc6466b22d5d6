import { isJsonObject } from "./kit/json.ts";
import {
  isAbortSignal,
  isAbsolutePath,
  isArgument,
  isBoolean,
  isDurationMs,
  isEnvironment,
  isFunction,
  isPositiveInteger,
  isString,
  isStringRecord,
  show,
  type OptionCheck,
  validateOptions,
} from "./kit/validate-options.ts";
import { isMcpServers } from "./mcp-server-checks.ts";
import { isTtlMs } from "./sandbox/labels.ts";
import { isPriceTable } from "./session/prices.ts";
import { isRetryPolicy } from "./session/retry-policy.ts";
import type { AgentBackend, McpServers, Skill, SystemPrompt } from "./spec/backend.ts";
import type { PriceTable, RetryPolicy } from "./spec/session-policies.ts";
import type { PermissionHandler, PermissionPolicy, QuestionHandler } from "./spec/permissions.ts";
import type { Setup } from "./setup/setup.ts";
import { isSetup } from "./setup/setup-options.ts";
import type { Environment, Labels, Progress, Sandbox, SandboxProvider } from "./spec/sandbox.ts";

/** What sessions of a box have in common unless they say otherwise. */
export interface SessionDefaults {
  /** The agent; a session may name another one. */
  readonly agent?: AgentBackend;
  /** Who decides about tool calls. Default `"allow-all"`: the sandbox is the boundary; see `permissions` of `local()`. */
  readonly permissions?: PermissionPolicy;
  /** Decides what rules leave to the host. A session with it for which no permissions are named is refused. */
  readonly onPermission?: PermissionHandler;
  /** Answers the agent's questions. Without it the agent is not offered to ask any. */
  readonly onQuestion?: QuestionHandler;
}

/** What `SandboxAgent.start` takes: where the agent runs, which one, and what is put there beforehand. */
export interface StartOptions<Box extends Sandbox = Sandbox> extends SessionDefaults {
  readonly sandbox: SandboxProvider<Box>;
  /** Environment of every process in the box; never stored in the sandbox's configuration. */
  readonly env?: Environment;
  /** Absolute working directory in the sandbox; created when missing. Default: the provider's. */
  readonly cwd?: string;
  /** Put on the sandbox beside the library's own, which begin with `playpen.`. */
  readonly labels?: Labels;
  /**
   * Who the sandbox belongs to, for `SandboxAgent.sweep`: a name that stays the same when the program is started again,
   * such as `"review-bot"`. Default: this process alone.
   */
  readonly owner?: string;
  /**
   * After how long the sandbox may be swept up; where the vendor ends sandboxes by itself, also how long this one lives.
   * Default: 24 hours, and the provider's own life time.
   */
  readonly ttlMs?: number;
  /** What is put into the sandbox before it is handed out. */
  readonly setup?: Setup;
  /** Aborts the start; nothing is left behind. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** What `SandboxAgent.connect` takes. What was set at the start, such as `env`, is not remembered: it is given again. */
export interface ConnectOptions<Box extends Sandbox = Sandbox> extends SessionDefaults {
  readonly sandbox: SandboxProvider<Box>;
  /** `box.id` of the sandbox, with or without the provider's prefix. */
  readonly id: string;
  readonly env?: Environment;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** What `box.createSession` takes. What the agent has no means for is refused before anything starts. */
export interface CreateSessionOptions extends SessionDefaults {
  /** Absolute working directory of the agent; must exist. Default: the box's. */
  readonly cwd?: string;
  readonly model?: string;
  /** Added to the environment of the agent's process. */
  readonly env?: Environment;
  /** Added to the agent's own system prompt; or `{ replace }` instead of it. */
  readonly systemPrompt?: string | SystemPrompt;
  readonly mcpServers?: McpServers;
  /** The only tools the agent may use, by its own names for them. Default: all it has. */
  readonly allowedTools?: readonly string[];
  /** Put where the agent looks for skills, for this session. */
  readonly skills?: readonly Skill[];
  /** How hard the model thinks: one of the levels the agent offers. Default: the agent's own. */
  readonly thinking?: string;
  /** The agent's own mode of work to start in, for example `"plan"`. Default: the agent's own. */
  readonly agentMode?: string;
  /** Sends a prompt again that failed for a passing reason. Default: never; the CLI's own retries come before. */
  readonly retry?: RetryPolicy;
  /** US dollars by model, for agents that do not tell what a turn has cost. */
  readonly prices?: PriceTable;
  /** `nativeSessionId` of an earlier session in the same sandbox, which goes on; with `fork` a copy of it does. */
  readonly resume?: string;
  readonly fork?: boolean;
  /** How long `onPermission` may take before the answer is no. Default: as long as it likes. */
  readonly permissionTimeoutMs?: number;
  /** Puts the CLI's own object beside each event, as `raw`. Default `false`. */
  readonly includeRaw?: boolean;
  /** Bounds of the event log. Defaults: 2,048 events that stem from at most 16 MiB of output. */
  readonly history?: { readonly maxEvents?: number; readonly maxBytes?: number };
  readonly signal?: AbortSignal;
}

const isProvider: OptionCheck = (value) =>
  isJsonObject(value) && typeof value["create"] === "function" && typeof value["name"] === "string"
    ? undefined
    : "a sandbox provider such as docker() from playpen/docker";

const isBackend: OptionCheck = (value) =>
  isJsonObject(value) && typeof value["launch"] === "function" && typeof value["protocol"] === "function"
    ? undefined
    : "an agent backend such as claude() from playpen/claude";

const isSystemPrompt: OptionCheck = (value) =>
  isString(value) === undefined ||
  (isJsonObject(value) &&
    Object.keys(value).length === 1 &&
    (isString(value["append"]) === undefined || isString(value["replace"]) === undefined))
    ? undefined
    : "a non-empty string, { append } or { replace }";

const areToolNames: OptionCheck = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((item) => isArgument(item) === undefined)
    ? undefined
    : "a non-empty array of the agent's names of tools, none of which begins with a dash";

const areSkills: OptionCheck = (value) => {
  if (!Array.isArray(value)) return "an array of { name, files }";
  const names = new Set<unknown>();
  for (const [index, skill] of (value as readonly unknown[]).entries()) {
    const problem = isJsonObject(skill) ? skillProblem(skill) : "must be an object with name and files";
    if (problem !== undefined) return `valid, where skill ${String(index)} ${problem}`;
    const name = isJsonObject(skill) ? skill["name"] : undefined;
    if (names.has(name)) return `without two skills of one name (${show(name)})`;
    names.add(name);
  }
  return undefined;
};

function skillProblem({ name, files }: { readonly [name: string]: unknown }): string | undefined {
  if (typeof name !== "string" || !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name) || name.length > 64)
    return `needs a name of lower-case letters, digits and hyphens (not ${show(name)})`;
  if (!isJsonObject(files) || files["SKILL.md"] === undefined) return "needs files with a SKILL.md";
  for (const [path, content] of Object.entries(files)) {
    const isInside = path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
    if (!isInside || path.includes("\0")) return `has a file outside of its folder: ${show(path)}`;
    if (typeof content !== "string" && !(content instanceof Uint8Array))
      return `needs ${show(path)} to be a string or a Uint8Array`;
  }
  return undefined;
}

const isHistory: OptionCheck = (value) =>
  isJsonObject(value) &&
  Object.entries(value).every(
    ([name, bound]) => ["maxEvents", "maxBytes"].includes(name) && isPositiveInteger(bound) === undefined,
  )
    ? undefined
    : "an object with maxEvents and maxBytes, whole numbers above 0";

/** Policies are checked when they are compiled, which tells more. */
const isAnything: OptionCheck = () => undefined;

const defaultsChecks = {
  agent: isBackend,
  permissions: isAnything,
  onPermission: isFunction,
  onQuestion: isFunction,
} as const;

const boxChecks = {
  ...defaultsChecks,
  sandbox: isProvider,
  env: isEnvironment,
  cwd: isAbsolutePath,
  signal: isAbortSignal,
  onProgress: isFunction,
} as const;

const startChecks = {
  ...boxChecks,
  labels: isStringRecord,
  owner: isString,
  ttlMs: isTtlMs,
  setup: isSetup,
} as const;

/**
 * Checks the options of a start, with those that another function of this name takes beside them.
 *
 * @throws TypeError that names the option.
 */
export function checkStartOptions(
  options: unknown,
  owner = "SandboxAgent.start()",
  more: { readonly [name: string]: OptionCheck } = {},
): void {
  validateOptions(owner, options, { ...startChecks, ...more });
  requireOption(owner, options, "sandbox", "docker() from playpen/docker");
}

/** @throws TypeError that names the option. */
export function checkConnectOptions(options: unknown): void {
  validateOptions("SandboxAgent.connect()", options, { ...boxChecks, id: isString });
  requireOption("SandboxAgent.connect()", options, "sandbox", "docker() from playpen/docker");
  requireOption("SandboxAgent.connect()", options, "id", "the box.id of a sandbox");
}

/** @throws TypeError that names the option. */
export function checkSessionOptions(options: unknown, owner = "box.createSession()"): void {
  validateOptions(owner, options, {
    ...defaultsChecks,
    cwd: isAbsolutePath,
    model: isArgument,
    env: isEnvironment,
    systemPrompt: isSystemPrompt,
    mcpServers: isMcpServers,
    allowedTools: areToolNames,
    skills: areSkills,
    thinking: isString,
    agentMode: isString,
    retry: isRetryPolicy,
    prices: isPriceTable,
    resume: isArgument,
    fork: isBoolean,
    permissionTimeoutMs: isDurationMs,
    includeRaw: isBoolean,
    history: isHistory,
    signal: isAbortSignal,
  });
}

function requireOption(owner: string, options: unknown, name: string, example: string): void {
  if (!isJsonObject(options) || options[name] !== undefined) return;
  throw new TypeError(`${owner}: option "${name}" is required, for example ${example}.`);
}
