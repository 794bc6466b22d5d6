import {
  arrayField,
  isJsonObject,
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type PlanEntry,
  type ToolRequest,
  type ToolStatus,
} from "../../../src/kit.ts";
import { fileChanges, patchTitle } from "../file-changes.ts";
import { unwrapShell } from "../shell-words.ts";

type Events = readonly AgentEventBody[];

/**
 * The events of an item. Items are numbered anew in each process: `prefix` keeps those of different turns apart.
 * `open` holds the calls that were started, since not all are.
 */
export function execItem(item: JsonObject, isCompleted: boolean, prefix: string, open: Set<string>): Events {
  const id = `${prefix}${stringField(item, "id") ?? ""}`;
  const text = stringField(item, "text") ?? "";
  switch (stringField(item, "type") ?? "") {
    case "agent_message":
      return isCompleted ? [{ type: "message.completed", messageId: id, text }] : [];
    case "reasoning":
      return isCompleted ? [{ type: "reasoning.completed", messageId: id, text }] : [];
    case "todo_list":
      // In the end it comes once more as it was.
      return isCompleted ? [] : [{ type: "plan.updated", entries: planEntries(item) }];
    case "error":
      // Codex calls its warnings so; what ends the turn comes as `turn.failed`.
      return warning(stringField(item, "message") ?? "");
  }
  const tool = toolOf(item);
  if (tool === undefined) return [{ type: "agent.unknown", raw: item }];
  const started: AgentEventBody = { type: "tool.started", ...tool, toolCallId: id };
  const wasStarted = open.has(id);
  if (!isCompleted) {
    open.add(id);
    return wasStarted ? [] : [started];
  }
  open.delete(id);
  const status = statusOf(item);
  const exitCode = numberField(item, "exit_code");
  const result = item["result"];
  const changes = item["type"] === "file_change" && status === "ok" ? fileChanges(item, id) : [];
  return [
    ...(wasStarted ? [] : [started]),
    ...changes,
    {
      type: "tool.completed",
      toolCallId: id,
      status,
      output: outputOf(item),
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(result === undefined || result === null ? {} : { content: result }),
    },
  ];
}

function warning(message: string): Events {
  // That one is about an argument of the library's own.
  if (message.startsWith("`--dangerously-bypass-hook-trust` is enabled")) return [];
  return [{ type: "agent.notice", level: "warning", message }];
}

function toolOf(item: JsonObject): ToolRequest | undefined {
  switch (stringField(item, "type")) {
    case "command_execution": {
      const command = unwrapShell(stringField(item, "command") ?? "");
      return { name: "shell", kind: "execute", title: command, input: { command } };
    }
    case "file_change":
      return {
        name: "apply_patch",
        kind: "edit",
        title: patchTitle(item),
        input: { changes: item["changes"] },
      };
    case "mcp_tool_call": {
      const server = stringField(item, "server") ?? "";
      const name = stringField(item, "tool") ?? "";
      const input = objectField(item, "arguments");
      if (/^(?:read|list)_mcp_resource/.test(name)) return { name, kind: "read", title: name, input };
      return { name: `mcp__${server}__${name}`, kind: "mcp", title: `${server}: ${name}`, input };
    }
    case "web_search": {
      const query = stringField(item, "query") ?? "";
      return {
        name: "web_search",
        kind: "search",
        title: query === "" ? "Search the web" : query,
        input: { query },
      };
    }
    case "collab_tool_call": {
      const name = stringField(item, "tool") ?? "agent";
      const prompt = stringField(item, "prompt");
      return { name, kind: "agent", title: prompt ?? name, input: prompt === undefined ? {} : { prompt } };
    }
    default:
      return undefined;
  }
}

const statuses: { readonly [status: string]: ToolStatus } = {
  completed: "ok",
  failed: "error",
  declined: "denied",
  interrupted: "interrupted",
};

function statusOf(item: JsonObject): ToolStatus {
  const status = stringField(item, "status") ?? "completed";
  return (Object.hasOwn(statuses, status) ? statuses[status] : undefined) ?? "ok";
}

function outputOf(item: JsonObject): string {
  const output = stringField(item, "aggregated_output");
  if (output !== undefined) return output;
  const error = stringField(item["error"], "message");
  if (error !== undefined) return error;
  const content = arrayField(item["result"], "content");
  return content.flatMap((part) => stringField(part, "text") ?? []).join("\n");
}

/** `exec` tells only whether an entry is done: the first that is not is taken to be in progress. */
function planEntries(item: JsonObject): readonly PlanEntry[] {
  const entries = arrayField(item, "items").filter(isJsonObject);
  const current = entries.findIndex((entry) => entry["completed"] !== true);
  return entries.map((entry, index) => ({
    content: stringField(entry, "text") ?? "",
    status: entry["completed"] === true ? "completed" : index === current ? "in_progress" : "pending",
  }));
}
