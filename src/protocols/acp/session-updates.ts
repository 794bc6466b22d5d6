import { arrayField, isJsonObject, objectField, stringField } from "../../kit/json.ts";
import type { AgentEventBody, PlanEntry } from "../../spec/events.ts";
import type { JsonObject } from "../../spec/json.ts";
import type { SessionSettings } from "./session-settings.ts";
import type { TextStream } from "./text-stream.ts";
import { blockText } from "./tool-content.ts";
import type { ToolCalls } from "./tool-calls.ts";
import type { TurnUsage } from "./turn-usage.ts";

/** What the updates of a session are put together in. */
export interface UpdateContext {
  readonly text: TextStream;
  readonly tools: ToolCalls;
  readonly usage: TurnUsage;
  readonly settings: SessionSettings;
}

/** Updates that tell of the conversation itself, and so stand in a replayed history too. */
const conversation: ReadonlySet<string> = new Set([
  "user_message_chunk",
  "agent_message_chunk",
  "agent_thought_chunk",
  "tool_call",
  "tool_call_update",
  "plan",
  "usage_update",
  "notice",
  "compaction_update",
  "compaction_summary_chunk",
]);

export function isConversation(update: JsonObject): boolean {
  return conversation.has(stringField(update, "sessionUpdate") ?? "");
}

/** The events of one `session/update`; `undefined` when it is of no known kind. */
export function updateEvents(
  update: JsonObject,
  { text, tools, usage, settings }: UpdateContext,
): readonly AgentEventBody[] | undefined {
  const counted = usage.update(update);
  switch (update["sessionUpdate"]) {
    case "agent_message_chunk":
      return withAll(chunkEvents("message", update, text, tools), counted);
    case "agent_thought_chunk":
      return withAll(chunkEvents("reasoning", update, text, tools), counted);
    case "tool_call":
    case "tool_call_update": {
      if (stringField(update, "toolCallId") === undefined) return undefined;
      const events = tools.update(update);
      // A message ends where a tool call begins, and not where one only goes on.
      const begins = events.some((event) => event.type === "tool.started");
      return [...(begins ? text.close() : []), ...events, ...counted];
    }
    case "plan":
      return [{ type: "plan.updated", entries: planEntries(update) }];
    case "current_mode_update":
    case "config_option_update":
      return settings.update(update);
    case "session_info_update": {
      const title = stringField(update, "title");
      return title === undefined ? [] : [{ type: "session.updated", title }];
    }
    case "notice":
      return [notice(update)];
    case "compaction_update":
      return stringField(update, "status") === "completed"
        ? [...text.close(), { type: "context.compacted", trigger: "unknown" }]
        : [];
    // The host's own words, what a person could type, and a summary that is meant for the model.
    case "user_message_chunk":
    case "available_commands_update":
    case "compaction_summary_chunk":
    case "usage_update":
      return counted;
    default:
      return undefined;
  }
}

function chunkEvents(
  noun: "message" | "reasoning",
  update: JsonObject,
  text: TextStream,
  tools: ToolCalls,
): readonly AgentEventBody[] | undefined {
  const said = blockText(objectField(update, "content"));
  if (said === undefined) return undefined;
  const nativeId = stringField(update, "messageId");
  return [...(said === "" ? [] : tools.flush()), ...text.chunk(noun, said, nativeId)];
}

/** Counts may come with a message that is not understood. */
function withAll(
  events: readonly AgentEventBody[] | undefined,
  more: readonly AgentEventBody[],
): readonly AgentEventBody[] | undefined {
  return events === undefined && more.length === 0 ? undefined : [...(events ?? []), ...more];
}

function planEntries(update: JsonObject): readonly PlanEntry[] {
  return arrayField(update, "entries").flatMap((entry): PlanEntry[] => {
    const content = stringField(entry, "content");
    if (content === undefined || !isJsonObject(entry)) return [];
    const { status, priority } = entry;
    return [
      {
        content,
        status: status === "in_progress" || status === "completed" ? status : "pending",
        ...(priority === "high" || priority === "medium" || priority === "low" ? { priority } : {}),
      },
    ];
  });
}

function notice(update: JsonObject): AgentEventBody {
  const severity = stringField(update, "severity");
  const title = stringField(update, "title") ?? "";
  const description = stringField(update, "description");
  return {
    type: "agent.notice",
    level: severity === "warning" || severity === "error" ? severity : "info",
    message: description === undefined || description === "" ? title : `${title}: ${description}`,
  };
}
