import { randomUUID } from "node:crypto";
import type { JsonObject } from "../../../spec/json.ts";
import type { ModelRequest } from "../model-request.ts";
import type { ContentPart, Reply } from "../reply.ts";
import { readMessagesRequest } from "./anthropic-request.ts";
import {
  contentParts,
  type Dialect,
  type Frame,
  inputDeltas,
  type StreamedAnswer,
  textDeltas,
  wholeText,
} from "./dialect.ts";

/** Anthropic's Messages API, as Claude Code speaks it. */
export const anthropicMessages: Dialect = {
  name: "anthropic-messages",
  answers: (path) => path === "/v1/messages",
  read: readMessagesRequest,
  stream: (request, reply) => new MessageStream(request, reply),
  whole: (request, reply) => ({
    ...messageHead(request),
    content: contentParts(reply).map((part) => ({ ...emptyBlock(part), ...blockContent(part) })),
    stop_reason: stopReason(reply),
    usage: { ...inputUsage(reply), output_tokens: reply.usage.output },
  }),
  error: (status, message) => ({
    type: "error",
    error: { type: errorType(status), message },
    request_id: newId("req"),
  }),
  other(method, path, body) {
    if (method === "POST" && path === "/v1/messages/count_tokens") {
      return { input_tokens: Math.ceil(JSON.stringify(body).length / 4) };
    }
    // Start-up questions of the CLI to its own service: settings, announcements, telemetry.
    return path.startsWith("/api/") ? {} : undefined;
  },
};

class MessageStream implements StreamedAnswer {
  readonly #request: ModelRequest;
  readonly #reply: Reply;
  #index = 0;

  constructor(request: ModelRequest, reply: Reply) {
    this.#request = request;
    this.#reply = reply;
  }

  *start(): Iterable<Frame> {
    const usage = { ...inputUsage(this.#reply), output_tokens: 1 };
    yield frame("message_start", { message: { ...messageHead(this.#request), usage } });
    yield frame("ping", {});
  }

  *content(part: ContentPart): Iterable<Frame> {
    const index = this.#index;
    this.#index += 1;
    yield frame("content_block_start", { index, content_block: emptyBlock(part) });
    for (const delta of blockDeltas(part)) {
      yield { ...frame("content_block_delta", { index, delta }), delta: true };
    }
    yield frame("content_block_stop", { index });
  }

  *end(): Iterable<Frame> {
    yield frame("message_delta", {
      delta: { stop_reason: stopReason(this.#reply), stop_sequence: null },
      usage: { ...inputUsage(this.#reply), output_tokens: this.#reply.usage.output },
    });
    yield frame("message_stop", {});
  }

  *failure(status: number, message: string): Iterable<Frame> {
    yield frame("error", { error: { type: errorType(status), message } });
  }
}

function frame(type: string, data: JsonObject): Frame {
  return { event: type, data: { type, ...data } };
}

function messageHead(request: ModelRequest): JsonObject {
  return {
    id: newId("msg"),
    type: "message",
    role: "assistant",
    model: request.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function emptyBlock(part: ContentPart): JsonObject {
  switch (part.type) {
    case "text":
      return { type: "text", text: "" };
    case "think":
      return { type: "thinking", thinking: "", signature: "" };
    case "call":
      return { type: "tool_use", id: newId("toolu"), name: part.call.name, input: {} };
  }
}

function blockContent(part: ContentPart): JsonObject {
  switch (part.type) {
    case "text":
      return { text: wholeText(part) };
    case "think":
      return { thinking: part.text, signature: signature(part.text) };
    case "call":
      return { input: part.call.input };
  }
}

function* blockDeltas(part: ContentPart): Iterable<JsonObject> {
  switch (part.type) {
    case "text":
      for (const text of textDeltas(part)) yield { type: "text_delta", text };
      break;
    case "think":
      for (const thinking of textDeltas(part)) yield { type: "thinking_delta", thinking };
      yield { type: "signature_delta", signature: signature(part.text) };
      break;
    case "call":
      for (const piece of inputDeltas(JSON.stringify(part.call.input))) {
        yield { type: "input_json_delta", partial_json: piece };
      }
  }
}

/** The real one proves who thought it; a client only has to send it back. */
function signature(text: string): string {
  return Buffer.from(`stand-in:${text.length}`).toString("base64");
}

function stopReason(reply: Reply): string {
  return reply.stopReason ?? (reply.parts.some((part) => part.type === "call") ? "tool_use" : "end_turn");
}

function inputUsage(reply: Reply): JsonObject {
  return {
    input_tokens: reply.usage.input,
    cache_creation_input_tokens: reply.usage.cacheWrite,
    cache_read_input_tokens: reply.usage.cacheRead,
  };
}

const errorTypes: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  529: "overloaded_error",
};

function errorType(status: number): string {
  return errorTypes[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
}

function newId(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
}
