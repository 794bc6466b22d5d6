import { randomUUID } from "node:crypto";
import type { CreateSessionOptions, SessionDefaults } from "./agent-options.ts";
import { SandboxAgentError } from "./errors/sandbox-agent-error.ts";
import { type CompiledPolicy, compilePermissionPolicy } from "./permissions/permission-policy.ts";
import type { AgentBackend, AgentSessionInput, NativeSession, SystemPrompt } from "./spec/backend.ts";
import type { SandboxProvider } from "./spec/sandbox.ts";
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
  const onQuestion = options.onQuestion ?? defaults.onQuestion;
  refuseMissingAbilities(backend, options);
  if (options.fork === true && options.resume === undefined) {
    throw new TypeError('box.createSession(): "fork" needs "resume", the native id of the session to copy.');
  }
  const systemPrompt = systemPromptOf(options.systemPrompt);
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

function refuseMissingAbilities(backend: AgentBackend, options: CreateSessionOptions): void {
  const { capabilities } = backend;
  if (options.resume !== undefined && !capabilities.resume) throw unsupported(backend, "resume");
  if (options.fork === true && !capabilities.fork) throw unsupported(backend, "fork");
  const systemPrompt = systemPromptOf(options.systemPrompt);
  if (systemPrompt !== undefined) {
    const kind = "append" in systemPrompt ? "append" : "replace";
    if (!capabilities.systemPrompt.includes(kind)) throw unsupported(backend, `systemPrompt: { ${kind} }`);
  }
  for (const [name, server] of Object.entries(options.mcpServers ?? {})) {
    if (!capabilities.mcpServers.includes(server.type)) {
      throw unsupported(backend, `the MCP server ${name} of type "${server.type}"`);
    }
  }
}

function systemPromptOf(option: CreateSessionOptions["systemPrompt"]): SystemPrompt | undefined {
  return typeof option === "string" ? { append: option } : option;
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
