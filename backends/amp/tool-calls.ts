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
    const text = textOf(block["content"]);
    const result = resultOf(text, call?.kind);
    const status = statusOf(text, booleanField(block, "is_error") === true || (result.exitCode ?? 0) !== 0);
    const isChange = status === "ok" && call?.kind === "edit";
    const { output, content, exitCode } = result;
    return [
      ...(isChange ? fileChanges(toolCallId, call, content) : []),
      {
        type: "tool.completed",
        toolCallId,
        status,
        output,
        ...(content === undefined ? {} : { content }),
        // Below zero stands for a command that ended with none.
        ...(exitCode === undefined || exitCode < 0 ? {} : { exitCode }),
      },
    ];
  }
}

/** A call that a rule has rejected is no error in the CLI's eyes. */
function statusOf(text: string, isError: boolean): ToolStatus {
  if (/^Tool (?:execution )?rejected by /.test(text)) return "denied";
  if (isError && text.startsWith("Tool execution cancelled")) return "interrupted";
  return isError ? "error" : "ok";
}

interface ToolResult {
  readonly output: string;
  readonly content?: unknown;
  readonly exitCode?: number;
}

const kindsWithForm: readonly (ToolKind | undefined)[] = ["execute", "edit", "read", "mcp", "other"];

/** The result is a text, which for some tools is JSON. */
function resultOf(text: string, kind: ToolKind | undefined): ToolResult {
  const content = kindsWithForm.includes(kind) ? parseJson(text) : undefined;
  if (Array.isArray(content)) return { output: textOf(content), content };
  if (!isJsonObject(content)) return { output: text };
  const exitCode = numberField(content, "exitCode");
  const said =
    stringField(content, "output") ??
    stringField(content, "content") ??
    stringField(content, "summary") ??
    stringField(content, "diff") ??
    (Array.isArray(content["content"]) ? textOf(content["content"]) : text);
  return {
    // Of a command that was stopped, it is said why.
    output: said === "" ? (stringField(content, "stopReason") ?? "") : said,
    content,
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return content.flatMap((part) => stringField(part, "text") ?? []).join("\n");
  return isJsonObject(content) ? JSON.stringify(content) : "";
}
