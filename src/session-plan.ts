import { randomUUID } from "node:crypto";
import type { CreateSessionOptions, SessionDefaults } from "./agent-options.ts";
import { SandboxAgentError } from "./errors/sandbox-agent-error.ts";
import { type CompiledPolicy, compilePermissionPolicy } from "./permissions/permission-policy.ts";
import type { AgentBackend, AgentSessionInput, NativeSession, SystemPrompt } from "./spec/backend.ts";
import type { Environment, SandboxProvider } from "./spec/sandbox.ts";
import { wellFormed } from "./kit/well-formed.ts";
import { libraryVersion } from "./version.ts";

/** A session that was checked against what its backend can do. Nothing has been started for it. */
export interface SessionPlan {
  readonly backend: AgentBackend;
  readonly policy: CompiledPolicy;
  readonly options: CreateSessionOptions;
  readonly resume: NativeSession | undefined;
  readonly input: Omit<AgentSessionInput, "stateDirectory">;
}

/**
 * Merges a session's options with the box's defaults and refuses what cannot be had.
 *
 * @throws TypeError when something is missing or malformed; SandboxAgentError `unsupported`.
 */
export function planSession(
  provider: SandboxProvider,
  defaults: SessionDefaults,
  options: CreateSessionOptions,
  boxCwd: string,
): SessionPlan {
  const backend = options.agent ?? defaults.agent;
  if (backend === undefined) {
    throw new TypeError('box.createSession(): no agent. Pass "agent" here or to SandboxAgent.start().');
  }
  const policy = planPolicy(provider, defaults, options, backend);
  refuseIdleHandler(defaults, options);
  const onQuestion = options.onQuestion ?? defaults.onQuestion;
  refuseMissingAbilities(backend, options);
  if (options.fork === true && options.resume === undefined) {
    throw new TypeError('box.createSession(): "fork" needs "resume", the native id of the session to copy.');
  }
  const systemPrompt = systemPromptOf(options.systemPrompt);
  const { allowedTools, skills, thinking, agentMode } = options;
  return {
    backend,
    policy,
    options,
    resume:
      options.resume === undefined
        ? undefined
        : { nativeSessionId: options.resume, fork: options.fork ?? false },
    input: {
      sessionId: randomUUID(),
      cwd: options.cwd ?? boxCwd,
      permissions: policy.mode,
      mcpServers: options.mcpServers ?? {},
      answersQuestions: onQuestion !== undefined,
      libraryVersion,
      ...(systemPrompt === undefined ? {} : { systemPrompt }),
      ...(allowedTools === undefined ? {} : { allowedTools }),
      ...(skills === undefined ? {} : { skills }),
      ...(thinking === undefined ? {} : { thinking }),
      ...(agentMode === undefined ? {} : { agentMode }),
    },
  };
}

/**
 * The policy that sessions of a box begin with, checked before the box is started.
 *
 * @throws TypeError, SandboxAgentError as `planSession`.
 */
export function planPolicy(
  provider: SandboxProvider,
  defaults: SessionDefaults,
  options: SessionDefaults,
  backend: AgentBackend | undefined,
): CompiledPolicy {
  const chosen = options.permissions ?? defaults.permissions;
  if (chosen === undefined && provider.capabilities.isolation === "none") {
    throw new TypeError(
      `permissions: ${provider.name} runs without isolation, so that the agent can do what you can. Choose "allow-all", "deny-all", rules or a function; there is no default here.`,
    );
  }
  const policy = compilePermissionPolicy(
    chosen ?? "allow-all",
    options.onPermission ?? defaults.onPermission,
  );
  if (backend !== undefined && !backend.capabilities.permissions.includes(policy.mode)) {
    const can = backend.capabilities.permissions.map((mode) =>
      mode === "ask" ? "rules or a function" : `"${mode}"`,
    );
    throw unsupported(
      backend,
      policy.mode === "ask" ? "a decision about every tool call" : `permissions: "${policy.mode}"`,
      `it can enforce ${can.join(" and ")}`,
    );
  }
  return policy;
}

/** Who passes a handler, and names no permissions, relies on being asked. */
function refuseIdleHandler(defaults: SessionDefaults, options: SessionDefaults): void {
  const handler = options.onPermission ?? defaults.onPermission;
  if (handler === undefined || (options.permissions ?? defaults.permissions) !== undefined) return;
  throw new TypeError(
    'box.createSession(): "onPermission" would never be asked, since permissions are "allow-all" where none are named. Have rules leave something to it, for example permissions: { default: "ask" }.',
  );
}

function refuseMissingAbilities(backend: AgentBackend, options: CreateSessionOptions): void {
  const can = backend.capabilities;
  if (options.resume !== undefined && !can.resume)
    throw unsupported(backend, "resume", "open a new session and say in its first prompt what it must know");
  if (options.fork === true && !can.fork)
    throw unsupported(backend, "fork", "resume without it, or open a new session");
  const systemPrompt = systemPromptOf(options.systemPrompt);
  if (systemPrompt !== undefined) {
    const kind = "append" in systemPrompt ? "append" : "replace";
    const other = can.systemPrompt[0];
    if (!can.systemPrompt.includes(kind)) {
      const instead = other === undefined ? "put it into the first prompt" : `use { ${other} }`;
      throw unsupported(backend, `systemPrompt: { ${kind} }`, instead);
    }
  }
  for (const [name, server] of Object.entries(options.mcpServers ?? {})) {
    if (can.mcpServers.includes(server.type)) continue;
    const instead =
      can.mcpServers.length === 0
        ? "it knows no MCP; give the agent a command that does the same"
        : `it can use servers of type ${can.mcpServers.map((type) => `"${type}"`).join(" and ")}`;
    throw unsupported(backend, `the MCP server ${name} of type "${server.type}"`, instead);
  }
  if (options.allowedTools !== undefined && !can.allowedTools) {
    const instead = can.permissions.includes("ask") ? "deny the other tools by permissions" : undefined;
    throw unsupported(backend, "allowedTools", instead);
  }
  if (options.skills !== undefined && !can.skills)
    throw unsupported(
      backend,
      "skills",
      "put the instructions into systemPrompt, or into the working directory",
    );
  refuseUnknownChoice(backend, "thinking", options.thinking, can.thinking);
  refuseUnknownChoice(backend, "agentMode", options.agentMode, can.agentModes);
}

function refuseUnknownChoice(
  backend: AgentBackend,
  option: string,
  asked: string | undefined,
  offered: readonly string[],
): void {
  if (asked === undefined || offered.includes(asked)) return;
  const choices = offered.map((choice) => `"${choice}"`).join(", ");
  const instead = offered.length === 0 ? "leave the option out" : `it offers ${choices}`;
  throw unsupported(backend, `${option}: "${asked}"`, instead);
}

/**
 * Refuses a model that the CLI cannot know.
 *
 * @throws SandboxAgentError `model_not_found`.
 */
export function refuseUnknownModel(backend: AgentBackend, model: string | undefined, env: Environment): void {
  const problem = model === undefined ? undefined : backend.modelProblem?.(model, env);
  if (model === undefined || problem === undefined) return;
  throw new SandboxAgentError("model_not_found", `${backend.name}: the model "${model}": ${problem}.`, {
    details: { model },
  });
}

function systemPromptOf(option: CreateSessionOptions["systemPrompt"]): SystemPrompt | undefined {
  if (option === undefined) return undefined;
  if (typeof option === "string") return { append: wellFormed(option) };
  return "append" in option ? { append: wellFormed(option.append) } : { replace: wellFormed(option.replace) };
}

function unsupported(
  backend: AgentBackend,
  feature: string,
  instead?: string,
): SandboxAgentError<"unsupported"> {
  const hint = instead === undefined ? "" : `: ${instead}`;
  return new SandboxAgentError(
    "unsupported",
    `${backend.name} in mode "${backend.mode}" does not support ${feature}${hint}.`,
    { details: { subject: backend.name, feature } },
  );
}
