import {
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type AgentEventOf,
  type JsonObject,
  type ProtocolInput,
  type Usage,
} from "../../src/kit.ts";
import { MessageReader } from "./messages.ts";
import { ownServers } from "./servers.ts";
import { ToolCalls } from "./tool-calls.ts";
import { UsageMeter } from "./usage-meter.ts";

/** Notifications that say nothing which is not told otherwise. */
const silent: ReadonlySet<unknown> = new Set([
  "assistant_text_complete",
  "thinking_text_complete",
  "child_session_available",
  "droid_working_state_changed",
  "hook_execution_started",
  "loop_state_changed",
  "mcp_auth_completed",
  "permission_resolved",
  "session_working_directory_changed",
  "tool_execution_heartbeat",
  "tool_execution_phase_changed",
]);

const retryReasons: { readonly [reason: string]: AgentEventOf<"agent.retrying">["reason"] } = {
  overloaded: "overload",
  rate_limited: "rate_limit",
  timeout: "network",
  network: "network",
};

/** Reads what Droid tells of its agent's work. */
export class Conversation {
  readonly #messages = new MessageReader();
  readonly #tools: ToolCalls;
  readonly #usage = new UsageMeter();
  #mode: string | undefined;

  constructor({ cwd, permissions }: ProtocolInput) {
    this.#tools = new ToolCalls({ cwd, deniesAll: permissions === "deny-all" });
  }

  /** A new process. */
  reset(): void {
    this.#messages.reset();
    this.#tools.reset();
    this.#usage.reset(undefined);
    this.#mode = undefined;
  }

  /** @param usage - What Droid tells of the tokens that the session has used. */
  begin(usage: unknown): void {
    this.#usage.reset(usage);
  }

  beginTurn(): void {
    this.#messages.reset();
    this.#tools.reset();
    this.#usage.beginTurn();
  }

  runEnded(notification: JsonObject): void {
    this.#usage.runEnded(notification);
  }

  get figures(): { readonly usage: Usage } {
    return { usage: this.#usage.turn };
  }

  /** What the terminal event tells of the turn's work. */
  figuresOf({ type }: AgentEventBody): { readonly usage: Usage; readonly numTurns?: number } {
    return type === "turn.completed" ? { ...this.figures, numTurns: this.#usage.requests } : this.figures;
  }

  /** Before the permission of a call is asked for, its input is whole. Those of sub-agents are not followed. */
  permissionAsked(item: unknown, sessionIds: readonly unknown[]): readonly AgentEventBody[] {
    return sessionIds.length > 1 ? [] : this.#tools.requested(objectField(item, "toolUse"));
  }

  /** The events that a notification tells; `undefined` when it is of a kind that is not known. */
  read(notification: JsonObject, isInterrupting: boolean): readonly AgentEventBody[] | undefined {
    switch (notification["type"]) {
      case "assistant_text_delta":
        return this.#messages.delta(notification, "message");
      case "thinking_text_delta":
        return this.#messages.delta(notification, "reasoning");
      case "create_message":
        return this.#written(objectField(notification, "message"));
      case "assistant_message_retracted":
        return this.#messages.retracted(stringField(notification, "messageId") ?? "");
      case "tool_call":
        this.#tools.drafted(notification);
        return [];
      case "tool_progress_update":
        return this.#tools.progressed(notification);
      case "tool_result":
        return this.#tools.ended(notification, isInterrupting);
      case "session_token_usage_changed":
        this.#usage.progress(notification);
        return [{ type: "usage.updated", usage: this.#usage.turn }];
      case "llm_retry":
        return [...this.#messages.retried(), retrying(notification)];
      case "session_compacted":
        return [{ type: "context.compacted", trigger: "unknown" }];
      case "session_title_updated": {
        const title = stringField(notification, "title");
        return title === undefined ? [] : [{ type: "session.updated", title }];
      }
      case "settings_updated":
        return this.#modeOf(objectField(notification, "settings"));
      case "mcp_status_changed": {
        const event = ownServers(notification);
        return event === undefined ? [] : [event];
      }
      case "mcp_auth_required": {
        const server = stringField(notification, "serverName") ?? "";
        const message = `The MCP server ${server} wants a login, which nobody can give here.`;
        return [{ type: "agent.notice", level: "warning", message }];
      }
      case "hook_execution_completed":
        return hookFailure(notification);
      default:
        return silent.has(notification["type"]) ? [] : undefined;
    }
  }

  /** The agent leaves its spec mode by itself. */
  #modeOf(settings: JsonObject): readonly AgentEventBody[] {
    const mode = stringField(settings, "interactionMode");
    const before = this.#mode;
    this.#mode = mode ?? before;
    if (before === undefined || mode === undefined || mode === before) return [];
    return [{ type: "session.updated", mode }];
  }

  #written(message: JsonObject): readonly AgentEventBody[] {
    if (stringField(message, "role") !== "assistant") return [];
    this.#usage.answered();
    return [...this.#messages.written(message), ...this.#tools.written(message)];
  }
}

function retrying(notification: JsonObject): AgentEventBody {
  const told = stringField(notification, "reason") ?? "";
  const maxAttempts = numberField(notification, "maxAttempts");
  const delayMs = numberField(notification, "delayMs");
  return {
    type: "agent.retrying",
    attempt: numberField(notification, "attempt") ?? 1,
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(delayMs === undefined ? {} : { delayMs }),
    reason: Object.hasOwn(retryReasons, told) ? (retryReasons[told] ?? "other") : "other",
  };
}

function hookFailure(notification: JsonObject): readonly AgentEventBody[] {
  const status = stringField(notification, "hookStatus");
  if (status === undefined || status === "completed") return [];
  const event = stringField(notification, "hookEventName") ?? "";
  return [
    { type: "agent.notice", level: "warning", message: `A hook of Droid's for ${event} ended: ${status}.` },
  ];
}
