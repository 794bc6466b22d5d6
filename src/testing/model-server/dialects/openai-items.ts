import { randomUUID } from "node:crypto";
import type { JsonObject } from "../../../spec/json.ts";
import type { ToolCall } from "../offered-tools.ts";
import type { ContentPart } from "../reply.ts";
import { inputDeltas, textDeltas, wholeText } from "./dialect.ts";

/** What is told of an item between its beginning and its end. */
export interface ItemEvent {
  readonly type: string;
  readonly delta?: string;
  readonly [name: string]: unknown;
}

/** An item of the output, before it has any content. */
export interface NewItem {
  readonly id: string;
  readonly callId: string;
  readonly empty: JsonObject;
}

export function newItem(part: ContentPart): NewItem {
  const callId = newId("call");
  switch (part.type) {
    case "text": {
      const id = newId("msg");
      const empty = { type: "message", id, status: "in_progress", role: "assistant", content: [] };
      return { id, callId, empty };
    }
    case "think": {
      const id = newId("rs");
      return { id, callId, empty: { type: "reasoning", id, summary: [] } };
    }
    case "call": {
      const id = newId(isFreeForm(part.call) ? "ctc" : "fc");
      const empty = {
        ...callHead(part.call, id, callId),
        status: "in_progress",
        ...callInput(part.call, ""),
      };
      return { id, callId, empty };
    }
  }
}

export function finishedItem(item: NewItem, part: ContentPart): JsonObject {
  switch (part.type) {
    case "text":
      return { ...item.empty, status: "completed", content: [textPart(wholeText(part))] };
    case "think":
      // The client sends the encrypted form back instead of the text, so it must not be empty.
      return {
        ...item.empty,
        summary: [{ type: "summary_text", text: part.text }],
        encrypted_content: Buffer.from(part.text).toString("base64"),
      };
    case "call":
      return { ...item.empty, status: "completed", ...callInput(part.call, inputText(part.call)) };
  }
}

export function* itemEvents(part: ContentPart): Iterable<ItemEvent> {
  switch (part.type) {
    case "text": {
      yield { type: "content_part.added", content_index: 0, part: textPart("") };
      for (const delta of textDeltas(part)) yield { type: "output_text.delta", content_index: 0, delta };
      const text = wholeText(part);
      yield { type: "output_text.done", content_index: 0, text };
      yield { type: "content_part.done", content_index: 0, part: textPart(text) };
      break;
    }
    case "think": {
      const summary = { type: "summary_text", text: part.text };
      yield { type: "reasoning_summary_part.added", summary_index: 0, part: { ...summary, text: "" } };
      for (const delta of textDeltas(part)) {
        yield { type: "reasoning_summary_text.delta", summary_index: 0, delta };
      }
      yield { type: "reasoning_summary_text.done", summary_index: 0, text: part.text };
      yield { type: "reasoning_summary_part.done", summary_index: 0, part: summary };
      break;
    }
    case "call": {
      const kind = isFreeForm(part.call) ? "custom_tool_call_input" : "function_call_arguments";
      const text = inputText(part.call);
      for (const delta of inputDeltas(text)) yield { type: `${kind}.delta`, delta };
      yield { type: `${kind}.done`, ...callInput(part.call, text) };
    }
  }
}

function callHead(call: ToolCall, id: string, callId: string): JsonObject {
  return {
    type: isFreeForm(call) ? "custom_tool_call" : "function_call",
    id,
    call_id: callId,
    name: call.name,
    ...(call.namespace === undefined ? {} : { namespace: call.namespace }),
  };
}

function callInput(call: ToolCall, text: string): JsonObject {
  return isFreeForm(call) ? { input: text } : { arguments: text };
}

function inputText(call: ToolCall): string {
  return typeof call.input === "string" ? call.input : JSON.stringify(call.input);
}

function isFreeForm(call: ToolCall): boolean {
  return typeof call.input === "string";
}

function textPart(text: string): JsonObject {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

export function newId(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll("-", "")}`;
}
