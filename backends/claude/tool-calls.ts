import {
  booleanField,
  isJsonObject,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type ToolKind,
  type ToolStatus,
} from "../../src/kit.ts";
import type { AllowedTools } from "./allowed-tools.ts";
import { answerToolName } from "./answer-schema.ts";
import { fileChange } from "./file-changes.ts";
import { Plan } from "./plan.ts";
import { toolKind, toolName, toolTitle } from "./tools.ts";

interface OpenCall {
  readonly name: string;
  readonly kind: ToolKind;
  readonly input: JsonObject;
}

/** Makes events of tool calls and their results. */
export class ToolCalls {
  readonly #open = new Map<string, OpenCall>();
  readonly #denied = new Set<string>();
  readonly #plan = new Plan();
  readonly #mustAsk: boolean;
  readonly #allowed: AllowedTools;
  readonly #asked = new Set<string>();
  /** Calls by which the model gave its output. */
  readonly #answers = new Set<string>();
  #refusedAnswer: string | undefined;

  /** With `mustAsk`, a call that was made without having been asked for is reported; so is one that is not allowed. */
  constructor(options: { readonly mustAsk: boolean; readonly allowed: AllowedTools }) {
    this.#mustAsk = options.mustAsk;
    this.#allowed = options.allowed;
  }

  /** A new process: results of the last one's calls will not come. */
  reset(): void {
    this.#open.clear();
    this.#denied.clear();
    this.#asked.clear();
    this.#answers.clear();
    this.#refusedAnswer = undefined;
  }

  /** Why the CLI refused the model's last output. */
  get refusedAnswer(): string | undefined {
    return this.#refusedAnswer;
  }

  isOpen(toolCallId: string): boolean {
    return this.#open.has(toolCallId);
  }

  /** The call was denied; its result will look like any other error. */
  deny(toolCallId: string): void {
    this.#denied.add(toolCallId);
  }

  /** A permission was asked for this call. */
  asked(toolCallId: string): void {
    if (this.#mustAsk) this.#asked.add(toolCallId);
  }

  start(block: JsonObject, parent: unknown, events: AgentEventBody[]): void {
    const toolCallId = stringField(block, "id");
    const ownName = stringField(block, "name");
    if (toolCallId === undefined || ownName === undefined) return;
    if (ownName === answerToolName) {
      // No work of the agent's: the turn's output tells it.
      this.#answers.add(toolCallId);
      return;
    }
    const name = toolName(ownName);
    const input = isJsonObject(block["input"]) ? block["input"] : {};
    const kind = toolKind(name);
    this.#open.set(toolCallId, { name, kind, input });
    const title = toolTitle(name, input);
    const event = { type: "tool.started", toolCallId, name, kind, title, input } as const;
    events.push(typeof parent === "string" ? { ...event, parentToolCallId: parent } : event);
  }

  /** `result` is the CLI's own structured form of the result; it is absent for sub-agents. */
  complete(block: JsonObject, result: unknown, isInterrupting: boolean, events: AgentEventBody[]): void {
    const toolCallId = stringField(block, "tool_use_id");
    if (toolCallId === undefined) return;
    if (this.#answers.delete(toolCallId)) {
      const isRefused = booleanField(block, "is_error") === true;
      this.#refusedAnswer = isRefused ? withoutErrorTag(textOf(block["content"])) : undefined;
      if (this.#refusedAnswer !== undefined) events.push(refusedAnswerNotice(this.#refusedAnswer));
      return;
    }
    const call = this.#open.get(toolCallId);
    const isAllowed = call === undefined || this.#allowed.allows(call.name);
    const isDenied = this.#denied.delete(toolCallId) || !isAllowed;
    this.#open.delete(toolCallId);
    const wasAsked = this.#asked.delete(toolCallId);
    const isError = booleanField(block, "is_error") === true;
    const text = textOf(block["content"]);
    const exit = call?.name === "Bash" ? exitOf(text, isError, result) : undefined;
    const status = statusOf(isError, isDenied, isInterrupting, result);
    const content = contentOf(result, call?.kind);
    events.push({
      type: "tool.completed",
      toolCallId,
      status,
      output: exit?.output ?? withoutErrorTag(text),
      ...(content === undefined ? {} : { content }),
      ...(exit === undefined ? {} : { exitCode: exit.code }),
    });
    if (status !== "ok" || call === undefined) return;
    if ((this.#mustAsk && !wasAsked) || !isAllowed) events.push(unaskedNotice(call.name));
    if (call.kind === "edit") {
      const change = fileChange(toolCallId, call.input, text, result);
      if (change !== undefined) events.push(change);
    }
    if (call.kind === "plan") {
      const entries = this.#plan.after(call.name, call.input, result);
      if (entries !== undefined) events.push({ type: "plan.updated", entries });
    }
  }
}

/** Managed settings of a machine can switch hooks off, and so keep calls from being asked for. It must not go unseen. */
function unaskedNotice(name: string): AgentEventBody {
  const message = `Claude Code made a call of ${name} that was not permitted. Look for managed settings in the sandbox that disable hooks.`;
  return { type: "agent.notice", level: "error", message };
}

function refusedAnswerNotice(refusal: string): AgentEventBody {
  return { type: "agent.notice", level: "info", message: `Claude Code asks for another output. ${refusal}` };
}

function statusOf(isError: boolean, isDenied: boolean, isInterrupting: boolean, result: unknown): ToolStatus {
  if (booleanField(result, "interrupted") === true) return "interrupted";
  if (!isError) return "ok";
  if (isInterrupting && !isDenied) return "interrupted";
  const isRefused = typeof result === "string" && result.startsWith("Error: Permission to use ");
  return isDenied || isRefused ? "denied" : "error";
}

/** The exit code is part of the text when it is not 0. A command that runs on in the background has none yet. */
function exitOf(
  text: string,
  isError: boolean,
  result: unknown,
): { readonly code: number; readonly output: string } | undefined {
  if (!isError) {
    const isUnfinished =
      stringField(result, "backgroundTaskId") !== undefined || booleanField(result, "interrupted") === true;
    return isUnfinished ? undefined : { code: 0, output: text };
  }
  const match = /^Exit code (\d+)(?:\n|$)/.exec(text);
  return match === null ? undefined : { code: Number(match[1]), output: text.slice(match[0].length) };
}

function contentOf(result: unknown, kind: ToolKind | undefined): unknown {
  if (!isJsonObject(result)) return undefined;
  if (kind !== "edit") return result;
  // The whole file from before, once for each edit, would soon outweigh everything else.
  const { originalFile: _originalFile, ...rest } = result;
  return rest;
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const texts: string[] = [];
  for (const part of content as readonly unknown[]) {
    const text = stringField(part, "text");
    if (text !== undefined) texts.push(text);
  }
  return texts.join("\n");
}

function withoutErrorTag(text: string): string {
  const open = "<tool_use_error>";
  const close = "</tool_use_error>";
  return text.startsWith(open) && text.endsWith(close) ? text.slice(open.length, -close.length) : text;
}
