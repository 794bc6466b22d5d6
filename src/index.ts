/** `playpen`: coding agents in sandboxes, from inside your own program. */
export { SandboxAgent, type DetachOptions, type ForkOptions } from "./sandbox-agent.ts";
export type { SweepOptions } from "./sandbox/sweep.ts";
export type { GitClone, Setup, SetupPackages } from "./setup/setup.ts";
export type { ConnectOptions, CreateSessionOptions, SessionDefaults, StartOptions } from "./agent-options.ts";
export { SandboxPool, type PooledSandbox } from "./pool/sandbox-pool.ts";
export type { EvictionReason, PoolEvent, PoolStats } from "./pool/pool-event.ts";
export type { PoolSessionOptions, SandboxPoolOptions, TakeOptions } from "./pool/pool-options.ts";
export type { ExecOptions, ExecResult } from "./sandbox/exec.ts";
export type { ModelList, Session, SessionStatus } from "./session/session.ts";
export type { PromptOptions, StructuredPromptOptions, Turn, TurnStatus } from "./session/turn.ts";
export type { EventListener, SubscribeOptions } from "./log/event-log.ts";
export { SandboxAgentError, type SandboxAgentErrorOf } from "./errors/sandbox-agent-error.ts";
export type * from "./spec/content.ts";
export type * from "./spec/errors.ts";
export type * from "./spec/events.ts";
export type * from "./spec/permissions.ts";
export type * from "./spec/sandbox-abilities.ts";
export type * from "./spec/session-policies.ts";
export type * from "./spec/structured-output.ts";
export type * from "./spec/turn-result.ts";
export type * from "./spec/usage.ts";
export type {
  AgentBackend,
  McpServers,
  McpServerSpec,
  ModelInfo,
  ProcessMode,
  Skill,
  SystemPrompt,
} from "./spec/backend.ts";
export type {
  Environment,
  FileInfo,
  FileOptions,
  FileWriteOptions,
  Labels,
  Progress,
  Sandbox,
  SandboxFiles,
  SandboxProvider,
} from "./spec/sandbox.ts";
