import {
  booleanField,
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type ToolStatus,
} from "../../../src/kit.ts";
import { fileChanges } from "./file-changes.ts";
import { toolRequest } from "./tools.ts";

interface OpenCall {
  readonly toolCallId: string;
  /** By which a question of the CLI about the call is known to be about this one. */
  readonly key: string;
  isAsked: boolean;
}

/** Tells the agent's tool calls, and knows which are open. */
export class ToolCalls {
  readonly #isMcpTool: (name: string) => boolean;
  #open: OpenCall[] = [];

  constructor(isMcpTool: (name: string) => boolean) {
    this.#isMcpTool = isMcpTool;
  }

  reset(): void {
    this.#open = [];
  }

  started(data: JsonObject, parentToolCallId: string | undefined): AgentEventBody[] {
    const toolCallId = stringField(data, "toolCallId");
    const name = stringField(data, "toolName") ?? "";
    if (toolCallId === undefined) return [];
    this.#open.push({ toolCallId, key: callKey(name, data["arguments"]), isAsked: false });
    const isMcp = stringField(data, "mcpServerName") !== undefined || this.#isMcpTool(name);
    return [
      {
        type: "tool.started",
        ...toolRequest(name, data["arguments"], isMcp),
        toolCallId,
        ...(parentToolCallId === undefined ? {} : { parentToolCallId }),
      },
    ];
  }

  completed(data: JsonObject): AgentEventBody[] {
    const toolCallId = stringField(data, "toolCallId");
    if (toolCallId === undefined) return [];
    this.#open = this.#open.filter((call) => call.toolCallId !== toolCallId);
    const exitCode = numberField(data["shellExecution"], "exitCode");
    const result = objectField(data, "result");
    const contents = result["contents"];
    return [
      ...fileChanges(data, toolCallId),
      {
        type: "tool.completed",
        toolCallId,
        status: statusOf(data, exitCode),
        output: outputOf(data, exitCode),
        ...(Array.isArray(contents) && contents.length > 0 ? { content: contents } : {}),
        ...(exitCode === undefined ? {} : { exitCode }),
      },
    ];
  }

  /** The open call that the CLI asks about, each but once; a sub-agent asks before it tells of the call. */
  asked(name: string, args: unknown): string | undefined {
    const key = callKey(name, args);
    const call = this.#open.find((one) => !one.isAsked && one.key === key);
    if (call !== undefined) call.isAsked = true;
    return call?.toolCallId;
  }
}

function callKey(name: string, args: unknown): string {
  return JSON.stringify([name, args]);
}

function statusOf(data: JsonObject, exitCode: number | undefined): ToolStatus {
  if (booleanField(data, "success") === true)
    return exitCode === undefined || exitCode === 0 ? "ok" : "error";
  const code = stringField(data["error"], "code");
  return code === "denied" || code === "rejected" ? "denied" : "error";
}

function outputOf(data: JsonObject, exitCode: number | undefined): string {
  const output = stringField(data["result"], "content") ?? stringField(data["error"], "message") ?? "";
  // What the CLI adds for the model; the exit code is a member of its own.
  return exitCode === undefined
    ? output
    : output.replace(/\n?<shellId: \S+ completed with exit code -?\d+>\s*$/, "");
}
