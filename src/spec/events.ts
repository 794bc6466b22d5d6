import type { ContentPart } from "./content.ts";
import type { JsonObject } from "./json.ts";
import type { ErrorCode } from "./errors.ts";
import type { OutputIssue } from "./structured-output.ts";
import type { StopReason, Usage } from "./usage.ts";

/** What a tool does, whatever the agent calls it. */
export type ToolKind =
  "execute" | "read" | "edit" | "search" | "fetch" | "mcp" | "agent" | "host" | "plan" | "other";

/** How a tool call ended; `denied` where a permission was refused, `interrupted` where the turn ended before it. */
export type ToolStatus = "ok" | "error" | "denied" | "interrupted";

/** One item of the list in which an agent keeps its plan. */
export interface PlanEntry {
  readonly content: string;
  readonly status: "pending" | "in_progress" | "completed";
  readonly priority?: "high" | "medium" | "low";
}

/** One of the answers that the agent offers. */
export interface QuestionOption {
  readonly label: string;
  readonly description?: string;
}

/** A question that the agent puts to the host. */
export interface Question {
  /** The key under which the answer is given. */
  readonly id: string;
  readonly header?: string;
  readonly question: string;
  readonly options: readonly QuestionOption[];
  readonly multiSelect: boolean;
}

/** Answers by question id; several labels when the question allows it. */
export type QuestionAnswers = { readonly [questionId: string]: string | readonly string[] };

/** The tool call a permission is asked for. */
export interface ToolRequest {
  readonly toolCallId?: string;
  readonly name: string;
  readonly kind: ToolKind;
  readonly title: string;
  readonly input: JsonObject;
}

/** What became of a permission request; `cancelled` where the turn ended, or the agent withdrew it, before an answer. */
export type PermissionOutcome = "allowed" | "denied" | "cancelled";

/** Whether an MCP server could be reached, as the agent tells it; `message` says why not. */
export interface McpServerStatus {
  readonly name: string;
  readonly status: "connected" | "failed" | "pending" | "needs_authentication" | "disabled";
  readonly message?: string;
}

/** The error a failed turn ends with, as plain data. */
export interface TurnErrorInfo {
  readonly code: ErrorCode;
  readonly message: string;
  /** Whether the same prompt may succeed when it is sent again later. */
  readonly retryable: boolean;
  /** The HTTP status of the model's API, where it was the cause. */
  readonly status?: number;
  /** The last part of the CLI's standard error, secrets removed. */
  readonly stderr?: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** What is wrong with the structured output, with the code `output_invalid`. */
  readonly issues?: readonly OutputIssue[];
}

/** Payload of every event type, by type. */
export interface AgentEventPayloads {
  "sandbox.progress": {
    readonly phase: "pull" | "create" | "install" | "prepare" | "ready";
    readonly message: string;
    /** 0 to 1, where it is known. */
    readonly fraction?: number;
  };
  "session.started": {
    readonly agent: string;
    readonly model?: string;
    readonly nativeSessionId?: string;
    readonly cwd: string;
    readonly tools?: readonly string[];
    readonly mcpServers?: readonly McpServerStatus[];
    readonly resumed: boolean;
  };
  "session.updated": {
    readonly title?: string;
    readonly model?: string;
    readonly mode?: string;
    readonly thoughtLevel?: string;
    readonly nativeSessionId?: string;
    readonly mcpServers?: readonly McpServerStatus[];
  };
  "session.ended": { readonly reason: "closed" | "destroyed" | "failed"; readonly message?: string };
  /** `position` counts the turns ahead, the running one included. */
  "turn.queued": { readonly position: number };
  "turn.started": { readonly prompt: readonly PromptSummary[] };
  "turn.completed": {
    readonly stopReason: StopReason;
    /** The text of the turn's last message. */
    readonly text: string;
    /** The structured output, where one was asked for. */
    readonly output?: unknown;
    readonly usage: Usage;
    readonly costUsd?: number;
    readonly durationMs: number;
    /** Requests to the model within the turn. */
    readonly numTurns?: number;
  };
  "turn.failed": {
    readonly error: TurnErrorInfo;
    readonly text: string;
    readonly usage?: Usage;
    readonly costUsd?: number;
    readonly durationMs: number;
  };
  "turn.interrupted": {
    readonly by: "host" | "timeout" | "budget" | "agent";
    readonly text: string;
    readonly usage?: Usage;
    readonly costUsd?: number;
    readonly durationMs: number;
  };
  "message.started": MessageReference;
  "message.delta": MessageReference & { readonly text: string };
  "message.completed": MessageReference & { readonly text: string };
  "reasoning.started": MessageReference;
  "reasoning.delta": MessageReference & { readonly text: string };
  "reasoning.completed": MessageReference & { readonly text: string };
  "tool.started": ToolRequest & { readonly toolCallId: string; readonly parentToolCallId?: string };
  "tool.delta": { readonly toolCallId: string; readonly output: string };
  "tool.completed": {
    readonly toolCallId: string;
    readonly status: ToolStatus;
    /** What the tool printed or returned, as text. */
    readonly output: string;
    /** The agent's own structured result, where it gives one. */
    readonly content?: unknown;
    readonly exitCode?: number;
  };
  "file.changed": {
    readonly path: string;
    readonly change: "added" | "modified" | "deleted";
    readonly diff?: string;
    readonly toolCallId?: string;
  };
  "plan.updated": { readonly entries: readonly PlanEntry[] };
  "permission.requested": {
    readonly requestId: string;
    readonly tool: ToolRequest;
    /** Whether the agent can remember an allowance for the rest of the session. */
    readonly canRemember: boolean;
  };
  "permission.resolved": {
    readonly requestId: string;
    readonly outcome: PermissionOutcome;
    readonly by: "policy" | "host" | "timeout" | "interrupt" | "agent";
    readonly message?: string;
  };
  "question.requested": { readonly requestId: string; readonly questions: readonly Question[] };
  "question.resolved": {
    readonly requestId: string;
    readonly answers?: QuestionAnswers;
    readonly by: "policy" | "host" | "timeout" | "interrupt" | "agent";
  };
  /** The turn's usage so far. */
  "usage.updated": {
    readonly usage: Usage;
    readonly costUsd?: number;
    /** Size of the model's context window, in tokens. */
    readonly contextWindow?: number;
  };
  "context.compacted": {
    readonly before?: number;
    readonly after?: number;
    readonly trigger: "auto" | "manual" | "unknown";
  };
  "agent.retrying": {
    readonly attempt: number;
    readonly maxAttempts?: number;
    readonly delayMs?: number;
    readonly status?: number;
    readonly reason: "rate_limit" | "overload" | "network" | "server" | "authentication" | "other";
    readonly message?: string;
  };
  /**
   * The structured output does not follow its schema. The agent is asked again, unless `attempt` is above
   * `maxAttempts`: then the turn fails.
   */
  "output.rejected": {
    readonly issues: readonly OutputIssue[];
    readonly attempt: number;
    readonly maxAttempts: number;
  };
  "agent.notice": { readonly level: "info" | "warning" | "error"; readonly message: string };
  /** A line that is not what the protocol allows; `line` is cut at a bound, `bytes` is its whole length. */
  "agent.unparsed": { readonly line: string; readonly bytes: number; readonly truncated: boolean };
  /** A well-formed message of a kind this version does not know. */
  "agent.unknown": { readonly raw: unknown };
}

/** What is recorded of a prompt: the text whole, images and files by name and size only. */
export type PromptSummary =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: Exclude<ContentPart["type"], "text">;
      readonly name: string;
      readonly bytes: number;
    };

interface MessageReference {
  readonly messageId: string;
  /** The tool call of the sub-agent that speaks, absent for the main agent. */
  readonly parentToolCallId?: string;
}

/** The name of an event, as `event.type` says it. */
export type AgentEventType = keyof AgentEventPayloads;

/** Fields that every event has. */
export interface AgentEventEnvelope {
  /** Position in the session's log: starts at 1, has no gap. */
  readonly seq: number;
  /** Milliseconds since the epoch; never goes back within a session. */
  readonly at: number;
  readonly sessionId: string;
  /** The turn the event belongs to; absent between turns. */
  readonly turnId?: string;
  /** The CLI's own object, with `includeRaw: true`. */
  readonly raw?: unknown;
}

/** One event type, narrowed: `AgentEventOf<"tool.started">`. */
export type AgentEventOf<Type extends AgentEventType> = {
  [Key in Type]: { readonly type: Key } & AgentEventPayloads[Key] & AgentEventEnvelope;
}[Type];

/** Everything that can stand in a session's event log. New types may come with a minor release. */
export type AgentEvent = AgentEventOf<AgentEventType>;

/** An event as a backend gives it: the core adds the envelope. */
export type AgentEventBody = {
  [Key in BackendEventType]: { readonly type: Key } & BackendPayload<Key>;
}[BackendEventType];

/** The types a backend may emit. The others belong to the core. */
export type BackendEventType = Exclude<
  AgentEventType,
  | "sandbox.progress"
  | "session.ended"
  | "turn.queued"
  | "turn.started"
  | "question.resolved"
  | "output.rejected"
>;

/** Fields the core fills in by itself when a backend leaves them out. */
type CoreFilled = {
  "turn.completed": "text" | "durationMs" | "usage";
  "turn.failed": "text" | "durationMs";
  "turn.interrupted": "text" | "durationMs";
};

type BackendPayload<Key extends BackendEventType> = Key extends keyof CoreFilled
  ? Omit<AgentEventPayloads[Key], CoreFilled[Key]> &
      Partial<Pick<AgentEventPayloads[Key], CoreFilled[Key] & keyof AgentEventPayloads[Key]>>
  : AgentEventPayloads[Key];

/** The types that end a turn. */
export const terminalEventTypes = ["turn.completed", "turn.failed", "turn.interrupted"] as const;
/** The type of an event that ends a turn. */
export type TerminalEventType = (typeof terminalEventTypes)[number];

/** Whether an event of this type ends a turn. */
export function endsTurn(type: string): type is TerminalEventType {
  return type === "turn.completed" || type === "turn.failed" || type === "turn.interrupted";
}
