import { randomUUID } from "node:crypto";
import { booleanField, objectField } from "../../../kit/json.ts";
import type { JsonObject } from "../../../spec/json.ts";
import type { ModelRequest } from "../model-request.ts";
import type { ToolCall } from "../offered-tools.ts";
import type { ContentPart, Reply } from "../reply.ts";
import { readChatRequest } from "./chat-request.ts";
import {
  contentParts,
  type Dialect,
  type Frame,
  inputDeltas,
  type StreamedAnswer,
  textDeltas,
  wholeText,
} from "./dialect.ts";
import { openaiError } from "./openai-error.ts";

/** OpenAI's chat completions, as most CLIs speak them that take a model of one's own, whatever stands before the path. */
export const chatCompletions: Dialect = {
  name: "openai-chat-completions",
  answers: (path) => path.endsWith("/chat/completions"),
  read: readChatRequest,
  stream: (request, reply) => new CompletionStream(request, reply),
  whole: (request, reply) => ({
    ...completionHead(request, "chat.completion"),
    choices: [{ index: 0, message: wholeMessage(reply), logprobs: null, finish_reason: finishReason(reply) }],
    usage: usage(reply),
  }),
  error: (status, message) => ({ error: openaiError(status, message) }),
  other(method, path) {
    // The stand-in takes any model, so it lists none.
    return method === "GET" && path.endsWith("/models") ? { object: "list", data: [] } : undefined;
  },
};

class CompletionStream implements StreamedAnswer {
  readonly #reply: Reply;
  readonly #head: JsonObject;
  readonly #includesUsage: boolean;
  #calls = 0;

  constructor(request: ModelRequest, reply: Reply) {
    this.#reply = reply;
    this.#head = completionHead(request, "chat.completion.chunk");
    const options = objectField(request.body, "stream_options");
    this.#includesUsage = booleanField(options, "include_usage") ?? false;
  }

  *start(): Iterable<Frame> {
    yield this.#chunk({ role: "assistant", content: "" });
  }

  *content(part: ContentPart): Iterable<Frame> {
    for (const delta of this.#deltas(part)) yield { ...this.#chunk(delta), delta: true };
  }

  *end(): Iterable<Frame> {
    yield this.#chunk({}, finishReason(this.#reply));
    if (this.#includesUsage) yield { data: { ...this.#head, choices: [], usage: usage(this.#reply) } };
    yield { data: "[DONE]" };
  }

  *failure(status: number, message: string): Iterable<Frame> {
    yield { data: { error: openaiError(status, message) } };
  }

  *#deltas(part: ContentPart): Iterable<JsonObject> {
    switch (part.type) {
      case "text":
        for (const content of textDeltas(part)) yield { content };
        break;
      case "think":
        for (const reasoning_content of textDeltas(part)) yield { reasoning_content };
        break;
      case "call": {
        const index = this.#calls;
        this.#calls += 1;
        yield { tool_calls: [{ index, ...newCall(part.call, "") }] };
        const key = callKind(part.call);
        for (const piece of inputDeltas(inputText(part.call))) {
          yield { tool_calls: [{ index, [key.kind]: { [key.input]: piece } }] };
        }
      }
    }
  }

  #chunk(delta: JsonObject, finish_reason: string | null = null): Frame {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
    return { data: { ...this.#head, choices, ...(this.#includesUsage ? { usage: null } : {}) } };
  }
}

function completionHead(request: ModelRequest, object: string): JsonObject {
  return {
    id: newId("chatcmpl"),
    object,
    created: Math.floor(Date.now() / 1000),
    model: request.model,
  };
}

function wholeMessage(reply: Reply): JsonObject {
  const parts = contentParts(reply);
  const texts = parts.flatMap((part) => (part.type === "text" ? wholeText(part) : []));
  const thoughts = parts.flatMap((part) => (part.type === "think" ? part.text : []));
  const calls = parts.flatMap((part) =>
    part.type === "call" ? newCall(part.call, inputText(part.call)) : [],
  );
  return {
    role: "assistant",
    content: texts.length > 0 ? texts.join("") : null,
    ...(thoughts.length > 0 ? { reasoning_content: thoughts.join("") } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    refusal: null,
  };
}

function newCall(call: ToolCall, input: string): JsonObject {
  const key = callKind(call);
  return { id: newId("call"), type: key.kind, [key.kind]: { name: call.name, [key.input]: input } };
}

function callKind(call: ToolCall): { readonly kind: string; readonly input: string } {
  return typeof call.input === "string"
    ? { kind: "custom", input: "input" }
    : { kind: "function", input: "arguments" };
}

function inputText(call: ToolCall): string {
  return typeof call.input === "string" ? call.input : JSON.stringify(call.input);
}

function finishReason(reply: Reply): string {
  return reply.stopReason ?? (reply.parts.some((part) => part.type === "call") ? "tool_calls" : "stop");
}

function usage(reply: Reply): JsonObject {
  const { input, output, cacheRead, cacheWrite, reasoning } = reply.usage;
  // As in the Responses API, cached tokens are part of the input.
  const all = input + cacheRead + cacheWrite;
  return {
    prompt_tokens: all,
    completion_tokens: output,
    total_tokens: all + output,
    prompt_tokens_details: { cached_tokens: cacheRead },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

function newId(prefix: string): string {
  return `${prefix}-${randomUUID().replaceAll("-", "")}`;
}
