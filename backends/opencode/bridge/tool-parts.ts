import {
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type McpServers,
  type ToolRequest,
  type ToolStatus,
} from "../../../src/kit.ts";
import { fileChanges } from "../file-changes.ts";
import { ToolNames } from "../tools.ts";

type Events = readonly AgentEventBody[];
type Request = ToolRequest & { readonly toolCallId: string };

interface OpenCall {
  readonly tool: string;
  readonly input: JsonObject;
}

/** Makes events of the tool calls that the plugin tells of. */
export class ToolParts {
  readonly #names: ToolNames;
  readonly #open = new Map<string, OpenCall>();
  /** Calls that the host has denied: their errors look like any other. */
  readonly #denied = new Set<string>();
  /** The sessions of sub-agents, by the call that runs them. */
  readonly #callOfSession = new Map<string, string>();

  readonly #deniesAll: boolean;

  /** With `deniesAll` no call can have failed for another reason. */
  constructor(servers: McpServers, deniesAll: boolean) {
    this.#names = new ToolNames(servers);
    this.#deniesAll = deniesAll;
  }

  startProcess(): void {
    this.#open.clear();
    this.#denied.clear();
    this.#callOfSession.clear();
  }

  endTurn(): void {
    this.#open.clear();
    this.#denied.clear();
  }

  /** The call of the sub-agent that the session is of. */
  parentCall(sessionId: string): string | undefined {
    return this.#callOfSession.get(sessionId);
  }

  deny(toolCallId: string): void {
    this.#denied.add(toolCallId);
  }

  /** A call that the host is asked about; it is told before OpenCode itself tells of it. */
  asked(tool: string, toolCallId: string, input: JsonObject, sessionId: string): readonly [Request, Events] {
    return [this.#names.request(tool, toolCallId, input), this.#start(tool, toolCallId, input, sessionId)];
  }

  update(part: JsonObject, isInterrupting: boolean): Events {
    const toolCallId = stringField(part, "callID");
    const tool = stringField(part, "tool");
    if (toolCallId === undefined || tool === undefined) return [];
    const state = objectField(part, "state");
    const metadata = objectField(state, "metadata");
    const child = stringField(metadata, "sessionId");
    if (child !== undefined) this.#callOfSession.set(child, toolCallId);
    const started = this.#start(
      tool,
      toolCallId,
      objectField(state, "input"),
      stringField(part, "sessionID") ?? "",
    );
    switch (stringField(state, "status")) {
      case "running": {
        const output = stringField(state, "added");
        return output === undefined ? started : [...started, { type: "tool.delta", toolCallId, output }];
      }
      case "completed":
        return [...started, ...this.#completed(toolCallId, state, metadata, isInterrupting)];
      case "error":
        return [...started, ...this.#failed(toolCallId, state, metadata, isInterrupting)];
      default:
        return started;
    }
  }

  #start(tool: string, toolCallId: string, input: JsonObject, sessionId: string): Events {
    if (this.#open.has(toolCallId)) return [];
    this.#open.set(toolCallId, { tool, input });
    const parent = this.parentCall(sessionId);
    const request = this.#names.request(tool, toolCallId, input);
    return [
      { type: "tool.started", ...request, ...(parent === undefined ? {} : { parentToolCallId: parent }) },
    ];
  }

  #completed(toolCallId: string, state: JsonObject, metadata: JsonObject, isInterrupting: boolean): Events {
    const call = this.#open.get(toolCallId);
    this.#open.delete(toolCallId);
    const exitCode = numberField(metadata, "exit");
    const wasStopped = metadata["exit"] === null && isInterrupting;
    const status: ToolStatus = wasStopped
      ? "interrupted"
      : exitCode === undefined || exitCode === 0
        ? "ok"
        : "error";
    // A tool may have been given another input than it was asked for with.
    const input = { ...call?.input, ...objectField(state, "input") };
    const changes = status === "ok" ? fileChanges(call?.tool ?? "", toolCallId, input, metadata) : [];
    return [
      ...changes,
      {
        type: "tool.completed",
        toolCallId,
        status,
        output: stringField(state, "output") ?? "",
        ...contentOf(metadata),
        ...(exitCode === undefined ? {} : { exitCode }),
      },
    ];
  }

  #failed(toolCallId: string, state: JsonObject, metadata: JsonObject, isInterrupting: boolean): Events {
    this.#open.delete(toolCallId);
    const output = stringField(state, "error") ?? "";
    const isDenied = this.#denied.delete(toolCallId) || this.#deniesAll || isRefusal(output);
    const wasStopped = isInterrupting || /^(?:Tool execution aborted|Aborted)/.test(output);
    const status = isDenied ? "denied" : wasStopped ? "interrupted" : "error";
    return [{ type: "tool.completed", toolCallId, status, output, ...contentOf(metadata) }];
  }
}

/** The plugin's own words, and those of OpenCode for a call that its configuration forbids. */
function isRefusal(error: string): boolean {
  return (
    /^(?:The tool \S+|No tool) may (?:not )?be used in this session\.$/.test(error) ||
    error.startsWith("The user has specified a rule which prevents you from using this specific tool call") ||
    error.startsWith("The user rejected permission")
  );
}

/** The output stands elsewhere, and the diff in the change of the file. */
function contentOf(metadata: JsonObject): { readonly content?: JsonObject } {
  const { output: _output, diff: _diff, filediff: _filediff, files: _files, ...rest } = metadata;
  return Object.keys(rest).length === 0 ? {} : { content: rest };
}
