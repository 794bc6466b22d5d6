import {
  arrayField,
  booleanField,
  isJsonObject,
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type ToolRequest,
  type ToolStatus,
} from "../../src/kit.ts";
import { readCall } from "./tools.ts";

/** Makes events of tool calls and their results. */
export class ToolCalls {
  readonly #open = new Map<string, ToolRequest>();

  /** A new process: results of the last one's calls will not come. */
  reset(): void {
    this.#open.clear();
  }

  /** `undefined` for a call of which it cannot be told what it is. */
  read(message: JsonObject): AgentEventBody[] | undefined {
    const toolCallId = stringField(message, "call_id");
    const call = readCall(objectField(message, "tool_call"));
    if (toolCallId === undefined || call === undefined) return undefined;
    switch (stringField(message, "subtype")) {
      case "started":
        return this.#started(toolCallId, call.request);
      case "completed":
        return this.#completed(toolCallId, call.request, call.body["result"]);
      default:
        return undefined;
    }
  }

  #started(toolCallId: string, request: ToolRequest): AgentEventBody[] {
    if (this.#open.has(toolCallId)) return [];
    this.#open.set(toolCallId, request);
    return [{ type: "tool.started", ...request, toolCallId }];
  }

  /** A completion may leave the arguments out, and then what the call was is known from its start; or come alone. */
  #completed(toolCallId: string, told: ToolRequest, result: unknown): AgentEventBody[] {
    const started = this.#started(toolCallId, told);
    const request = this.#open.get(toolCallId) ?? told;
    this.#open.delete(toolCallId);
    const variant = variantOf(result);
    const content = objectField(result, variant);
    const exitCode = numberField(content, "exitCode");
    const status = statusOf(variant, content, exitCode);
    return [
      ...started,
      ...(status === "ok" && request.kind === "edit" ? fileChange(toolCallId, request, content) : []),
      {
        type: "tool.completed",
        toolCallId,
        status,
        output: outputOf(content),
        ...(Object.keys(content).length === 0 ? {} : { content }),
        ...(exitCode === undefined ? {} : { exitCode }),
      },
    ];
  }
}

/** The result's one member that says how the call went: `success`, `failure`, `error`, `rejected` and others. */
function variantOf(result: unknown): string {
  if (!isJsonObject(result)) return "";
  return Object.keys(result).find((key) => isJsonObject(result[key])) ?? "";
}

function statusOf(variant: string, content: JsonObject, exitCode: number | undefined): ToolStatus {
  if (variant === "rejected" || /denied$/i.test(variant)) return "denied";
  // Some tools' completions have no result at all.
  const isGood = variant === "success" || variant === "";
  if (!isGood || booleanField(content, "isError") === true) return "error";
  return exitCode === undefined || exitCode === 0 ? "ok" : "error";
}

function outputOf(content: JsonObject): string {
  const stdout = stringField(content, "stdout");
  const stderr = stringField(content, "stderr");
  if (stdout !== undefined || stderr !== undefined) {
    return [stdout ?? "", stderr ?? ""].filter((text) => text !== "").join("\n");
  }
  const texts = arrayField(content, "content").flatMap(
    (part) => stringField(objectField(part, "text"), "text") ?? stringField(part, "text") ?? [],
  );
  if (texts.length > 0) return texts.join("\n");
  return (
    stringField(content, "content") ??
    stringField(content, "message") ??
    stringField(content, "reason") ??
    stringField(content, "error") ??
    ""
  );
}

function fileChange(toolCallId: string, { name, input }: ToolRequest, content: JsonObject): AgentEventBody[] {
  const path = stringField(content, "path") ?? stringField(input, "path");
  if (path === undefined) return [];
  const diff = stringField(content, "diffString");
  const change = name === "delete" ? "deleted" : /^(?:write|piWrite)$/.test(name) ? "added" : "modified";
  return [{ type: "file.changed", path, change, toolCallId, ...(diff === undefined ? {} : { diff }) }];
}
