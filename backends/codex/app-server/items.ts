import {
  arrayField,
  isJsonObject,
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type ToolKind,
  type ToolRequest,
  type ToolStatus,
} from "../../../src/kit.ts";
import { fileChanges, patchTitle } from "../file-changes.ts";
import { unwrapShell } from "../shell-words.ts";

/** The tool call of the sub-agent that an item comes from; empty for the main agent. */
export interface Origin {
  readonly parentToolCallId?: string;
}

type Events = readonly AgentEventBody[];

const textNouns: { readonly [type: string]: "message" | "reasoning" } = {
  agentMessage: "message",
  plan: "message",
  reasoning: "reasoning",
};

/** Items that tell nothing which other events do not. */
const silentItems = new Set([
  "userMessage",
  "hookPrompt",
  "functionCallOutput",
  "enteredReviewMode",
  "exitedReviewMode",
]);

export function itemStarted(item: JsonObject, origin: Origin): Events {
  const type = stringField(item, "type") ?? "";
  const id = stringField(item, "id") ?? "";
  const noun = Object.hasOwn(textNouns, type) ? textNouns[type] : undefined;
  if (noun !== undefined) return [{ type: `${noun}.started`, messageId: id, ...origin }];
  if (type === "contextCompaction" || silentItems.has(type)) return [];
  const tool = toolOf(item);
  if (tool === undefined) return [{ type: "agent.unknown", raw: item }];
  if (type === "subAgentActivity" && stringField(item, "kind") !== "started") return [];
  return [{ type: "tool.started", ...tool, toolCallId: id, ...origin }];
}

/** Some items come only when they are done: those that were not started are started here. */
export function itemCompleted(item: JsonObject, origin: Origin, wasStarted: boolean): Events {
  const type = stringField(item, "type") ?? "";
  const id = stringField(item, "id") ?? "";
  const noun = Object.hasOwn(textNouns, type) ? textNouns[type] : undefined;
  if (noun !== undefined) {
    return [{ type: `${noun}.completed`, messageId: id, text: textOf(item), ...origin }];
  }
  if (type === "contextCompaction") return [{ type: "context.compacted", trigger: "auto" }];
  // A sub-agent's end is told by the one who knows which call began it.
  if (type === "subAgentActivity" || silentItems.has(type)) return [];
  const tool = toolOf(item);
  if (tool === undefined) return [{ type: "agent.unknown", raw: item }];
  const status = statusOf(item);
  const completed: AgentEventBody = { type: "tool.completed", toolCallId: id, status, ...resultOf(item) };
  const started: AgentEventBody = { type: "tool.started", ...tool, toolCallId: id, ...origin };
  const changes = type === "fileChange" && status === "ok" ? fileChanges(item, id) : [];
  return [...(wasStarted ? [] : [started]), ...changes, completed];
}

/** A reasoning item's text: its summary, or the thoughts themselves where the model shows them. */
function textOf(item: JsonObject): string {
  const text = stringField(item, "text");
  if (text !== undefined) return text;
  const summary = strings(item, "summary");
  return (summary.length > 0 ? summary : strings(item, "content")).join("\n\n");
}

/** What kind of call an item is; `undefined` for an item of a type that is not known. */
export function toolOf(item: JsonObject): ToolRequest | undefined {
  switch (stringField(item, "type")) {
    case "commandExecution": {
      const command = unwrapShell(stringField(item, "command") ?? "");
      return tool("shell", "execute", command, { command, cwd: item["cwd"] });
    }
    case "fileChange":
      return tool("apply_patch", "edit", patchTitle(item), { changes: item["changes"] });
    case "mcpToolCall":
      return mcpTool(item);
    case "webSearch": {
      const query = stringField(item, "query") ?? "";
      return tool("web_search", "search", query === "" ? "Search the web" : query, {
        query,
        action: item["action"],
      });
    }
    case "imageView": {
      const path = stringField(item, "path") ?? "";
      return tool("view_image", "read", path, { path });
    }
    case "collabAgentToolCall": {
      const name = stringField(item, "tool") ?? "agent";
      const prompt = stringField(item, "prompt");
      return tool(name, "agent", prompt ?? name, { prompt, model: item["model"] });
    }
    case "subAgentActivity": {
      const agent = stringField(item, "agentPath") ?? "sub-agent";
      return tool("spawn_agent", "agent", agent, { agent, model: item["model"] });
    }
    case "dynamicToolCall":
    case "imageGeneration":
    case "sleep": {
      const name = stringField(item, "tool") ?? stringField(item, "type") ?? "tool";
      return tool(name, "other", name, objectField(item, "arguments"));
    }
    default:
      return undefined;
  }
}

function mcpTool(item: JsonObject): ToolRequest {
  const server = stringField(item, "server") ?? "";
  const name = stringField(item, "tool") ?? "";
  const input = objectField(item, "arguments");
  // Codex's own tools about resources come as calls to a server that does not exist, or to the one they ask.
  if (/^(?:read|list)_mcp_resource/.test(name)) return tool(name, "read", name, input);
  return tool(`mcp__${server}__${name}`, "mcp", `${server}: ${name}`, input);
}

function tool(name: string, kind: ToolKind, title: string, input: JsonObject): ToolRequest {
  return {
    name,
    kind,
    title,
    input: Object.fromEntries(
      Object.entries(input).filter(([, value]) => value !== undefined && value !== null && value !== ""),
    ),
  };
}

const statuses: { readonly [status: string]: ToolStatus } = {
  completed: "ok",
  failed: "error",
  declined: "denied",
  interrupted: "interrupted",
};

function statusOf(item: JsonObject): ToolStatus {
  const status = stringField(item, "status") ?? "completed";
  if (status === "failed" && /^user (?:rejected|cancelled) MCP tool call/.test(errorMessage(item)))
    return "denied";
  return (Object.hasOwn(statuses, status) ? statuses[status] : undefined) ?? "ok";
}

function resultOf(item: JsonObject): { output: string; exitCode?: number; content?: unknown } {
  const exitCode = numberField(item, "exitCode");
  const result = item["result"] ?? item["contentItems"] ?? item["results"];
  return {
    output: outputOf(item),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(result === undefined || result === null ? {} : { content: result }),
  };
}

function outputOf(item: JsonObject): string {
  const aggregated = stringField(item, "aggregatedOutput");
  if (aggregated !== undefined) return aggregated;
  const error = errorMessage(item);
  if (error !== "") return error;
  const content = arrayField(item["result"], "content");
  const texts = content.flatMap((part) => stringField(part, "text") ?? []);
  if (texts.length > 0) return texts.join("\n");
  return agentMessages(item).join("\n");
}

function errorMessage(item: JsonObject): string {
  return stringField(item["error"], "message") ?? "";
}

function agentMessages(item: JsonObject): string[] {
  const states = item["agentsStates"];
  if (!isJsonObject(states)) return [];
  return Object.values(states).flatMap((state) => stringField(state, "message") ?? []);
}

function strings(value: JsonObject, name: string): string[] {
  return arrayField(value, name).filter((item) => typeof item === "string");
}
