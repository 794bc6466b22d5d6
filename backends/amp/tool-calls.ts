import {
  booleanField,
  isJsonObject,
  numberField,
  parseJson,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type ToolKind,
  type ToolRequest,
  type ToolStatus,
} from "../../src/kit.ts";
import { fileChanges } from "./file-changes.ts";
import { toolRequest } from "./tools.ts";

/** Makes events of tool calls and their results. */
export class ToolCalls {
  readonly #open = new Map<string, ToolRequest>();

  /** A new process: results of the last one's calls will not come. */
  reset(): void {
    this.#open.clear();
  }

  started(block: JsonObject, parent: { readonly parentToolCallId?: string }): AgentEventBody[] {
    const toolCallId = stringField(block, "id");
    const name = stringField(block, "name");
    if (toolCallId === undefined || name === undefined || this.#open.has(toolCallId)) return [];
    const request = toolRequest(name, block["input"]);
    this.#open.set(toolCallId, request);
    return [{ type: "tool.started", ...request, toolCallId, ...parent }];
  }

  completed(block: JsonObject): AgentEventBody[] {
    const toolCallId = stringField(block, "tool_use_id");
    if (toolCallId === undefined) return [];
    const call = this.#open.get(toolCallId);
    this.#open.delete(toolCallId);
    const result = resultOf(textOf(block["content"]), call?.kind);
    const isError = booleanField(block, "is_error") === true || (result.exitCode ?? 0) !== 0;
    const status: ToolStatus = isError ? "error" : "ok";
    const isChange = status === "ok" && call?.kind === "edit";
    return [
      ...(isChange ? fileChanges(toolCallId, call.name, call.input) : []),
      { type: "tool.completed", toolCallId, status, ...result },
    ];
  }
}

interface ToolResult {
  readonly output: string;
  readonly content?: unknown;
  readonly exitCode?: number;
}

/** The result is a text, which for some tools is JSON: that of a command tells its output and its exit code. */
function resultOf(text: string, kind: ToolKind | undefined): ToolResult {
  const value = kind === "execute" || kind === "edit" ? parseJson(text) : undefined;
  if (!isJsonObject(value)) return { output: text };
  const exitCode = numberField(value, "exitCode");
  return {
    output: stringField(value, "output") ?? text,
    content: value,
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return content.flatMap((part) => stringField(part, "text") ?? []).join("\n");
  return isJsonObject(content) ? JSON.stringify(content) : "";
}
