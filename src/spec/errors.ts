import type { OutputIssue } from "./structured-output.ts";

/**
 * Every code a `SandboxAgentError` can carry, with its details. Codes are stable: a new one is a minor release, a
 * changed meaning a major one.
 */
export interface ErrorDetails {
  /** The provider's engine, service or SDK cannot be used. */
  provider_unavailable: { readonly provider: string; readonly tried?: readonly string[] };
  /** The provider's service refused the credential, or none was given. */
  provider_authentication_failed: {
    readonly provider: string;
    readonly variables: readonly string[];
    readonly status?: number;
  };
  /** The provider's service had too many requests (429), or a quota is used up. */
  provider_rate_limited: { readonly provider: string; readonly retryAfterMs?: number };
  /** The provider's service failed, or answered what nobody understands. */
  provider_failed: { readonly provider: string; readonly status?: number };
  /** A vendor SDK (an optional peer dependency) is missing or of the wrong version. */
  dependency_missing: { readonly package: string; readonly version: string; readonly install: string };
  /** The image, template or snapshot is not there and could not be fetched. */
  image_unavailable: { readonly image: string };
  /** The provider refused or failed to create the sandbox. */
  sandbox_create_failed: { readonly provider: string };
  /** A step of the set-up failed. */
  setup_failed: { readonly step: string; readonly exitCode?: number; readonly output: string };
  /** No sandbox with that id. */
  sandbox_not_found: { readonly id: string };
  /** The sandbox or the connection to it went away while it was in use. */
  sandbox_lost: { readonly id: string };
  /** The box was destroyed or detached, and cannot be used any more. */
  sandbox_closed: { readonly id: string };
  /** The pool was closed, and hands out no more sandboxes. */
  pool_closed: { readonly provider: string };
  /** A pool had no sandbox to hand out in time, and nothing had failed. */
  pool_timeout: { readonly timeoutMs: number; readonly taken: number; readonly maxSize: number };
  /** A process could not be started in the sandbox. */
  spawn_failed: { readonly command: string };
  /** A file operation failed in the sandbox. */
  file_failed: { readonly operation: string; readonly path: string };
  /** A command in the sandbox ran out of its time. */
  exec_timeout: { readonly command: string; readonly timeoutMs: number };
  /** The output of a command is larger than the bound. */
  output_too_large: { readonly command: string; readonly maxBytes: number };
  /** The agent's CLI is not in the sandbox and may not or could not be installed. */
  cli_missing: { readonly agent: string; readonly command: string };
  /** The installation of the CLI in the sandbox failed. */
  cli_install_failed: { readonly agent: string; readonly package: string; readonly output: string };
  /** No credential for the agent was given. */
  credential_missing: { readonly agent: string; readonly variables: readonly string[] };
  /** Something was asked for that the backend or the provider declares it cannot do. */
  unsupported: { readonly subject: string; readonly feature: string };
  /** The agent's CLI ended or failed before its session was ready. */
  session_start_failed: { readonly agent: string; readonly exitCode?: number; readonly stderr?: string };
  /** The session was closed; no more prompts. */
  session_closed: { readonly sessionId: string };
  /** The agent's CLI ended in the middle of a turn. */
  agent_exited: { readonly exitCode?: number; readonly signal?: string };
  /** The agent's CLI broke its own protocol. */
  protocol_error: { readonly agent: string };
  /** The agent reported an error that fits no other code. */
  agent_error: { readonly status?: number };
  /** The model's API refused the credential (401, 403). */
  authentication_failed: { readonly status?: number };
  /** Too many requests (429). */
  rate_limited: { readonly status?: number };
  /** The model is overloaded (529, 503). */
  model_overloaded: { readonly status?: number };
  /** The model's API failed (500 and the like). */
  model_error: { readonly status?: number };
  model_not_found: { readonly model?: string; readonly status?: number };
  context_too_long: { readonly status?: number };
  /** The model's API could not be reached. */
  network_error: { readonly status?: number };
  /** A limit on turns or money given to the agent was reached. */
  budget_exceeded: { readonly limit: string };
  /** The structured output did not follow its schema, also after the agent was asked again. */
  output_invalid: { readonly issues?: readonly OutputIssue[] };
  /** The turn was interrupted by the host program. */
  turn_interrupted: { readonly by: "host" | "agent" | "budget" };
  /** The turn took longer than `timeoutMs`, or was silent for longer than `idleTimeoutMs`. */
  turn_timeout: { readonly kind: "total" | "idle"; readonly timeoutMs: number };
  /** A subscriber fell behind the log's bound; subscribe again from `resumeFrom`. */
  events_lagged: { readonly lastSeq: number; readonly resumeFrom: number };
}

/** What went wrong, as `error.code` of a `SandboxAgentError` says it. */
export type ErrorCode = keyof ErrorDetails;
