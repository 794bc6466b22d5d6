import type { JsonObject } from "../../../spec/json.ts";
import type { ModelRequest } from "../model-request.ts";
import type { ContentPart, Reply } from "../reply.ts";
import { contentParts, type Dialect, type Frame, type StreamedAnswer } from "./dialect.ts";
import { openaiError } from "./openai-error.ts";
import { finishedItem, itemEvents, newId, newItem } from "./openai-items.ts";
import { readResponsesRequest } from "./openai-request.ts";

/** OpenAI's Responses API, as Codex speaks it. */
export const openaiResponses: Dialect = {
  name: "openai-responses",
  answers: (path) => path === "/v1/responses",
  read: readResponsesRequest,
  stream: (request, reply) => new ResponseStream(request, reply),
  whole(request, reply) {
    const output = contentParts(reply).map((part) => finishedItem(newItem(part), part));
    return { ...responseHead(newId("resp"), request), ...outcome(reply), output, usage: usage(reply) };
  },
  error: (status, message) => ({ error: openaiError(status, message) }),
  other(method, path) {
    // The stand-in takes any model, so it lists none.
    if (method !== "GET" || path !== "/v1/models") return undefined;
    return { object: "list", data: [], has_more: false, models: [] };
  },
};

class ResponseStream implements StreamedAnswer {
  readonly #request: ModelRequest;
  readonly #reply: Reply;
  readonly #head: JsonObject;
  readonly #output: JsonObject[] = [];
  #sequence = 0;

  constructor(request: ModelRequest, reply: Reply) {
    this.#request = request;
    this.#reply = reply;
    this.#head = responseHead(newId("resp"), request);
  }

  *start(): Iterable<Frame> {
    yield this.#frame("response.created", { response: this.#head });
    yield this.#frame("response.in_progress", { response: this.#head });
  }

  *content(part: ContentPart): Iterable<Frame> {
    const item = newItem(part);
    const place = { output_index: this.#output.length, item_id: item.id };
    yield this.#frame("response.output_item.added", { output_index: place.output_index, item: item.empty });
    for (const { type, delta, ...data } of itemEvents(part)) {
      const frame = this.#frame(`response.${type}`, {
        ...place,
        ...data,
        ...(delta === undefined ? {} : { delta }),
      });
      yield delta === undefined ? frame : { ...frame, delta: true };
    }
    const finished = finishedItem(item, part);
    this.#output.push(finished);
    yield this.#frame("response.output_item.done", { output_index: place.output_index, item: finished });
  }

  *end(): Iterable<Frame> {
    const result = outcome(this.#reply);
    const response = { ...this.#head, ...result, output: this.#output, usage: usage(this.#reply) };
    yield this.#frame(`response.${result.status}`, { response });
  }

  *failure(status: number, message: string): Iterable<Frame> {
    const error = openaiError(status, message);
    yield this.#frame("response.failed", { response: { ...this.#head, status: "failed", error } });
  }

  #frame(type: string, data: JsonObject): Frame {
    const sequence_number = this.#sequence;
    this.#sequence += 1;
    return { event: type, data: { type, sequence_number, ...data } };
  }
}

function responseHead(id: string, request: ModelRequest): JsonObject {
  return {
    id,
    object: "response",
    created_at: Math.floor(Date.now() / 1000),
    status: "in_progress",
    model: request.model,
    output: [],
    error: null,
    incomplete_details: null,
    usage: null,
  };
}

function outcome(reply: Reply): { readonly status: string; readonly incomplete_details: JsonObject | null } {
  return reply.stopReason === undefined
    ? { status: "completed", incomplete_details: null }
    : { status: "incomplete", incomplete_details: { reason: reply.stopReason } };
}

function usage(reply: Reply): JsonObject {
  const { input, output, cacheRead, cacheWrite, reasoning } = reply.usage;
  // Unlike elsewhere, this API counts cached tokens as part of the input.
  const all = input + cacheRead + cacheWrite;
  return {
    input_tokens: all,
    input_tokens_details: { cached_tokens: cacheRead },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: all + output,
  };
}
