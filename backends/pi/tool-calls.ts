import {
  arrayField,
  booleanField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type ToolStatus,
} from "../../src/kit.ts";
import { fileChange } from "./file-changes.ts";
import { toolRequest } from "./tools.ts";

interface Call {
  readonly name: string;
  readonly input: JsonObject;
  /** What was streamed; `undefined` when the output cannot be streamed any further. */
  streamed: string | undefined;
}

export interface ToolCallsOptions {
  readonly cwd: string;
  /** No tool is offered, so that a call which fails was one that is not permitted. */
  readonly deniesAll: boolean;
}

/** Follows the tool calls of a session. */
export class ToolCalls {
  readonly #options: ToolCallsOptions;
  readonly #open = new Map<string, Call>();
  readonly #denied = new Set<string>();

  constructor(options: ToolCallsOptions) {
    this.#options = options;
  }

  reset(): void {
    this.#open.clear();
    this.#denied.clear();
  }

  /** The call will not be made. */
  deny(toolCallId: string): void {
    this.#denied.add(toolCallId);
  }

  /** The host changed the input of the call. */
  changeInput(toolCallId: string, input: JsonObject): void {
    const call = this.#open.get(toolCallId);
    if (call !== undefined) this.#open.set(toolCallId, { ...call, input });
  }

  started(event: JsonObject): readonly AgentEventBody[] {
    const toolCallId = stringField(event, "toolCallId");
    if (toolCallId === undefined) return [];
    return [this.#start(toolCallId, event)];
  }

  /** Pi repeats the output so far, and of a long one only the end. */
  updated(event: JsonObject): readonly AgentEventBody[] {
    const toolCallId = stringField(event, "toolCallId") ?? "";
    const call = this.#open.get(toolCallId);
    if (call?.streamed === undefined) return [];
    const output = textOf(event["partialResult"]);
    if (!output.startsWith(call.streamed)) {
      call.streamed = undefined;
      return [];
    }
    const more = output.slice(call.streamed.length);
    call.streamed = output;
    return more === "" ? [] : [{ type: "tool.delta", toolCallId, output: more }];
  }

  ended(event: JsonObject, isInterrupting: boolean): readonly AgentEventBody[] {
    const toolCallId = stringField(event, "toolCallId");
    if (toolCallId === undefined) return [];
    const events: AgentEventBody[] = [];
    if (!this.#open.has(toolCallId)) events.push(this.#start(toolCallId, event));
    const call = this.#open.get(toolCallId);
    this.#open.delete(toolCallId);
    const isError = booleanField(event, "isError") === true;
    const result = objectField(event, "result");
    const details = result["details"];
    const { output, exitCode } = outcomeOf(call, textOf(result), isError);
    const status = this.#statusOf(toolCallId, isError, isInterrupting && exitCode === undefined);
    if (status === "ok" && call !== undefined) {
      const change = fileChange(call.name, call.input, details, toolCallId, this.#options.cwd);
      if (change !== undefined) events.push(change);
    }
    const hasDetails = typeof details === "object" && details !== null && Object.keys(details).length > 0;
    events.push({
      type: "tool.completed",
      toolCallId,
      status,
      output,
      ...(hasDetails ? { content: details } : {}),
      ...(exitCode === undefined ? {} : { exitCode }),
    });
    return events;
  }

  #start(toolCallId: string, event: JsonObject): AgentEventBody {
    const name = stringField(event, "toolName") ?? "tool";
    const input = objectField(event, "args");
    this.#open.set(toolCallId, { name, input, streamed: "" });
    return { type: "tool.started", toolCallId, ...toolRequest(name, input) };
  }

  #statusOf(toolCallId: string, isError: boolean, isInterrupted: boolean): ToolStatus {
    if (this.#denied.delete(toolCallId)) return "denied";
    if (!isError) return "ok";
    if (this.#options.deniesAll) return "denied";
    return isInterrupted ? "interrupted" : "error";
  }
}

/** Pi puts the exit code of a command, unless it is 0, behind its output, and words in place of no output. */
function outcomeOf(
  call: Call | undefined,
  text: string,
  isError: boolean,
): { readonly output: string; readonly exitCode?: number } {
  if (call?.name !== "bash") return { output: text };
  const match = isError ? /(?:^|\n\n)Command exited with code (\d+)$/.exec(text) : null;
  const printed = match === null ? text : text.slice(0, match.index);
  const output = printed === "(no output)" && call.streamed === "" ? "" : printed;
  if (!isError) return { output, exitCode: 0 };
  return match === null ? { output } : { output, exitCode: Number(match[1]) };
}

function textOf(result: unknown): string {
  return arrayField(result, "content")
    .flatMap((part) => stringField(part, "text") ?? [])
    .join("\n");
}
