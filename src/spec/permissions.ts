import type { JsonObject } from "./json.ts";
import type { Question, QuestionAnswers, ToolRequest } from "./events.ts";

/** A permission that the agent asks for, as a handler receives it. */
export interface PermissionRequest {
  readonly requestId: string;
  readonly sessionId: string;
  readonly tool: ToolRequest;
  /** Aborted when the agent withdraws the request or the turn ends. */
  readonly signal: AbortSignal;
}

/** What a handler answers to a permission request. The message of a denial is shown to the agent. */
export type PermissionDecision =
  | "allow"
  | "deny"
  | {
      readonly outcome: "allow";
      /** Replaces the tool's input; refused where the agent cannot take it. */
      readonly updatedInput?: JsonObject;
      /** Lets the agent allow the like for the rest of the session, where it can. */
      readonly remember?: boolean;
    }
  | { readonly outcome: "deny"; readonly message?: string };

/** Decides on one tool call. What it throws denies the call. While it thinks, the turn's `idleTimeoutMs` stands still. */
export type PermissionHandler = (
  request: PermissionRequest,
) => PermissionDecision | Promise<PermissionDecision>;

/**
 * Rules of the form `Tool` or `Tool(pattern)`. `Tool` is the agent's own name for the tool or a `ToolKind`, in any
 * case; `*` is every tool. The pattern is matched against the tool's subject (command, path, address), `*` standing
 * for any text. A deny rule wins over an ask rule, which wins over an allow rule.
 */
export interface PermissionRules {
  readonly allow?: readonly string[];
  readonly ask?: readonly string[];
  readonly deny?: readonly string[];
  /** What happens when no rule matches; default `"ask"` with an `onPermission` handler, otherwise `"deny"`. */
  readonly default?: "allow" | "ask" | "deny";
}

/**
 * What an agent may do: everything, nothing that needs a permission, what rules say, or what a function decides for each call.
 *
 * @example
 * { allow: ["read", "Bash(npm test)"], deny: ["Bash(rm *)"], default: "deny" }
 */
export type PermissionPolicy = "allow-all" | "deny-all" | PermissionRules | PermissionHandler;

/** What a policy comes down to for a backend: every call allowed, every call denied, or each put to the host. */
export type PermissionMode = "allow-all" | "deny-all" | "ask";

/** A question that the agent asks, as a handler receives it. */
export interface QuestionRequest {
  readonly requestId: string;
  readonly sessionId: string;
  readonly questions: readonly Question[];
  /** Aborted when the agent withdraws the question or the turn ends. */
  readonly signal: AbortSignal;
}

/** `undefined` declines to answer. */
export type QuestionHandler = (
  request: QuestionRequest,
) => QuestionAnswers | undefined | Promise<QuestionAnswers | undefined>;
