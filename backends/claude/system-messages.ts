import {
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type AgentEventPayloads,
  type JsonObject,
} from "../../src/kit.ts";

type RetryReason = AgentEventPayloads["agent.retrying"]["reason"];
type NoticeLevel = AgentEventPayloads["agent.notice"]["level"];

/** Subtypes of `system` lines that say nothing a host does not learn from other lines. */
const silent: ReadonlySet<string> = new Set([
  "api_error",
  "background_tasks_changed",
  "bridge_state",
  "commands_changed",
  "elicitation_complete",
  "file_snapshot",
  "files_persisted",
  "hook_progress",
  "hook_response",
  "hook_started",
  "model_refusal_no_fallback",
  "post_turn_summary",
  "session_state_changed",
  "stop_hook_summary",
  "task_notification",
  "task_progress",
  "task_started",
  "task_summary",
  "task_updated",
  "thinking_tokens",
  "turn_duration",
  "turn_starting",
]);

/** Events of those `system` lines that change nothing in the protocol's own state. */
export function systemEvent(line: JsonObject): AgentEventBody | undefined {
  const subtype = stringField(line, "subtype") ?? "";
  switch (subtype) {
    case "api_retry":
      return retrying(line);
    case "compact_boundary":
      return compacted(objectField(line, "compact_metadata"));
    case "status":
      return failedCompaction(line);
    case "notification":
      return noticeOf(stringField(line, "text"), noticeLevel(stringField(line, "priority")));
    case "informational":
      return noticeOf(
        stringField(line, "content"),
        stringField(line, "level") === "warning" ? "warning" : "info",
      );
    case "local_command":
      return noticeOf(stringField(line, "content"), "info");
    case "model_fallback":
    case "model_consent_fallback":
    case "model_refusal_fallback":
      return noticeOf(fallbackText(line), "warning");
    case "mirror_error":
      return noticeOf(stringField(line, "error"), "warning");
    default:
      return silent.has(subtype) ? undefined : { type: "agent.unknown", raw: line };
  }
}

/** Only news worth acting on: that requests are allowed is no news. */
export function rateLimitEvent(line: JsonObject): AgentEventBody | undefined {
  const info = objectField(line, "rate_limit_info");
  const status = stringField(info, "status");
  if (status !== "allowed_warning" && status !== "rejected") return undefined;
  const type = stringField(info, "rateLimitType");
  const resetsAt = numberField(info, "resetsAt");
  const limit = type === undefined ? "rate limit" : `rate limit (${type})`;
  const until = isTime(resetsAt) ? ` It resets at ${new Date(resetsAt * 1000).toISOString()}.` : "";
  return status === "rejected"
    ? noticeOf(`The ${limit} of the account is reached.${until}`, "error")
    : noticeOf(`The ${limit} of the account is nearly reached.${until}`, "warning");
}

/** Whether these seconds are within what a date can be: formatting another one throws. */
function isTime(seconds: number | undefined): seconds is number {
  return seconds !== undefined && seconds >= 0 && seconds <= 8.64e12;
}

function retrying(line: JsonObject): AgentEventBody {
  const maxAttempts = numberField(line, "max_retries");
  const delayMs = numberField(line, "retry_delay_ms");
  const status = numberField(line, "error_status");
  return {
    type: "agent.retrying",
    attempt: numberField(line, "attempt") ?? 1,
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(delayMs === undefined ? {} : { delayMs: Math.round(delayMs) }),
    ...(status === undefined ? {} : { status }),
    reason: retryReason(stringField(line, "error"), status),
  };
}

function retryReason(error: string | undefined, status: number | undefined): RetryReason {
  if (error === "rate_limit" || status === 429) return "rate_limit";
  if (error === "overloaded" || status === 529 || status === 503) return "overload";
  if (error === "authentication_failed" || status === 401 || status === 403) return "authentication";
  // No status: no answer came at all.
  if (status === undefined) return "network";
  return status >= 500 ? "server" : "other";
}

function compacted(metadata: JsonObject): AgentEventBody {
  const before = numberField(metadata, "pre_tokens");
  const after = numberField(metadata, "post_tokens");
  const trigger = stringField(metadata, "trigger");
  return {
    type: "context.compacted",
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    trigger: trigger === "auto" || trigger === "manual" ? trigger : "unknown",
  };
}

function failedCompaction(line: JsonObject): AgentEventBody | undefined {
  if (stringField(line, "compact_result") !== "failed") return undefined;
  const reason = stringField(line, "compact_error") ?? "it does not say why";
  return noticeOf(`Claude Code could not compact the conversation: ${reason}`, "warning");
}

function fallbackText(line: JsonObject): string {
  const from = stringField(line, "original_model") ?? "its model";
  const content = stringField(line, "content") ?? "";
  if (content !== "") return content;
  return `Claude Code turned from ${from} to ${stringField(line, "fallback_model") ?? "another model"}.`;
}

function noticeLevel(priority: string | undefined): NoticeLevel {
  return priority === "high" || priority === "immediate" ? "warning" : "info";
}

function noticeOf(message: string | undefined, level: NoticeLevel): AgentEventBody | undefined {
  return message === undefined || message === "" ? undefined : { type: "agent.notice", level, message };
}
