import {
  arrayField,
  booleanField,
  isJsonObject,
  objectField,
  parseJson,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type ToolStatus,
} from "../../src/kit.ts";
import { FileChanges } from "./file-changes.ts";
import { planUpdate } from "./plan.ts";
import { toolRequest } from "./tools.ts";

interface Call {
  readonly name: string;
  readonly input: JsonObject;
}

interface OpenCall extends Call {
  /** What was streamed; `undefined` when the output cannot be streamed any further. */
  streamed: string | undefined;
}

export interface ToolCallsOptions {
  readonly cwd: string;
  /** No tool may be used, so that a call which fails was one that is not permitted. */
  readonly deniesAll: boolean;
}

/** Follows the tool calls of a session. */
export class ToolCalls {
  readonly #deniesAll: boolean;
  readonly #files: FileChanges;
  /** Calls that the model is still writing down. */
  readonly #drafts = new Map<string, Call>();
  readonly #open = new Map<string, OpenCall>();
  /** Droid tells some results twice. */
  readonly #ended = new Set<string>();

  constructor({ cwd, deniesAll }: ToolCallsOptions) {
    this.#deniesAll = deniesAll;
    this.#files = new FileChanges(cwd);
  }

  reset(): void {
    this.#drafts.clear();
    this.#open.clear();
    this.#ended.clear();
  }

  /** A call as far as the model has written it. It is told once its input is whole. */
  drafted(notification: JsonObject): void {
    const call = callOf(notification["toolUse"]);
    if (call !== undefined) this.#drafts.set(call.toolCallId, call);
  }

  /** The calls of a whole answer of the model. */
  written(message: JsonObject): readonly AgentEventBody[] {
    return arrayField(message, "content").flatMap((part) =>
      stringField(part, "type") === "tool_use" ? this.requested(part) : [],
    );
  }

  /** A call with its whole input. */
  requested(toolUse: unknown): readonly AgentEventBody[] {
    const call = callOf(toolUse);
    return call === undefined ? [] : this.#start(call.toolCallId, call);
  }

  /** Droid repeats the output so far. */
  progressed(notification: JsonObject): readonly AgentEventBody[] {
    const toolCallId = stringField(notification, "toolUseId") ?? "";
    const output = stringField(objectField(notification, "update"), "fullOutput");
    if (output === undefined || toolCallId === "") return [];
    const events = [...this.#startDraft(toolCallId, notification)];
    const call = this.#open.get(toolCallId);
    if (call?.streamed === undefined) return events;
    if (!output.startsWith(call.streamed)) {
      call.streamed = undefined;
      return events;
    }
    const more = output.slice(call.streamed.length);
    call.streamed = output;
    if (more !== "") events.push({ type: "tool.delta", toolCallId, output: more });
    return events;
  }

  ended(notification: JsonObject, isInterrupting: boolean): readonly AgentEventBody[] {
    const toolCallId = stringField(notification, "toolUseId") ?? "";
    if (toolCallId === "" || this.#ended.has(toolCallId)) return [];
    const events = [...this.#startDraft(toolCallId, notification)];
    const call = this.#open.get(toolCallId);
    if (call === undefined) return events;
    this.#open.delete(toolCallId);
    this.#ended.add(toolCallId);
    const isError = booleanField(notification, "isError") === true;
    const text = textOf(notification["content"]);
    const parsed = isError ? undefined : parseJson(text);
    const content = isJsonObject(parsed) ? parsed : undefined;
    const { output, exitCode } = outcomeOf(call, text, isError);
    const status = this.#statusOf(isError, isInterrupting && exitCode === undefined);
    if (status === "ok") {
      events.push(...this.#files.of(call.name, call.input, content, toolCallId));
      const plan = call.name === "TodoWrite" ? planUpdate(call.input) : undefined;
      if (plan !== undefined) events.push(plan);
    }
    events.push({
      type: "tool.completed",
      toolCallId,
      status,
      output,
      ...(content === undefined ? {} : { content }),
      ...(exitCode === undefined ? {} : { exitCode }),
    });
    return events;
  }

  #startDraft(toolCallId: string, notification: JsonObject): AgentEventBody[] {
    if (this.#open.has(toolCallId) || this.#ended.has(toolCallId)) return [];
    const name = stringField(notification, "toolName") ?? "tool";
    return this.#start(toolCallId, this.#drafts.get(toolCallId) ?? { name, input: {} });
  }

  #start(toolCallId: string, { name, input }: Call): AgentEventBody[] {
    this.#drafts.delete(toolCallId);
    if (this.#open.has(toolCallId) || this.#ended.has(toolCallId)) return [];
    this.#open.set(toolCallId, { name, input, streamed: "" });
    return [{ type: "tool.started", toolCallId, ...toolRequest(name, input) }];
  }

  #statusOf(isError: boolean, isInterrupted: boolean): ToolStatus {
    if (!isError) return "ok";
    if (this.#deniesAll) return "denied";
    return isInterrupted ? "interrupted" : "error";
  }
}

function callOf(toolUse: unknown): (Call & { readonly toolCallId: string }) | undefined {
  const toolCallId = stringField(toolUse, "id") ?? "";
  if (toolCallId === "") return undefined;
  const input = isJsonObject(toolUse) ? objectField(toolUse, "input") : {};
  return { toolCallId, name: stringField(toolUse, "name") ?? "tool", input };
}

/** Droid puts words before the output of a command that fails, words in place of no output, and the code behind it. */
function outcomeOf(
  call: OpenCall,
  text: string,
  isError: boolean,
): { readonly output: string; readonly exitCode?: number } {
  const match = call.name === "Execute" ? /\n*\[Process exited with code (\d+)\]$/.exec(text) : null;
  if (match === null) return { output: text };
  const exitCode = Number(match[1]);
  let output = text.slice(0, match.index);
  if (isError) output = output.replace(/^Error: Command failed \(exit code: \d+\)(?:\n|$)/, "");
  else if (output === "Command completed successfully" && call.streamed === "") output = "";
  // It takes the end of the last line away as well.
  if (call.streamed?.trimEnd() === output.trimEnd()) output = call.streamed;
  return { output, exitCode };
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return arrayField({ content }, "content")
    .flatMap((part) => stringField(part, "text") ?? [])
    .join("\n");
}
