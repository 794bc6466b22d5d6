import { randomUUID } from "node:crypto";
import type { JsonObject } from "../../../spec/json.ts";
import type { ModelRequest } from "../model-request.ts";
import type { ContentPart, Reply } from "../reply.ts";
import {
  contentParts,
  type Dialect,
  type Frame,
  type StreamedAnswer,
  textDeltas,
  wholeText,
} from "./dialect.ts";
import { asksForContent, readContentRequest } from "./gemini-request.ts";

/** Google's Gemini API, as the Gemini CLI speaks it; its streams are always those of `alt=sse`. */
export const gemini: Dialect = {
  name: "gemini",
  answers: asksForContent,
  read: readContentRequest,
  stream: (request, reply) => new ContentStream(request, reply),
  whole: (request, reply) => ({
    ...answerHead(request),
    candidates: [{ ...candidate(contentParts(reply).map(wholePart)), finishReason: finishReason(reply) }],
    usageMetadata: usage(reply),
  }),
  error: (status, message, retryAfterSeconds) => ({ error: errorBody(status, message, retryAfterSeconds) }),
  other(method, path, body) {
    if (method === "POST" && path.endsWith(":countTokens")) {
      return { totalTokens: Math.ceil(JSON.stringify(body).length / 4) };
    }
    // The stand-in takes any model, so it lists none.
    return method === "GET" && path === "/v1beta/models" ? { models: [] } : undefined;
  },
};

class ContentStream implements StreamedAnswer {
  readonly #reply: Reply;
  readonly #head: JsonObject;

  constructor(request: ModelRequest, reply: Reply) {
    this.#reply = reply;
    this.#head = answerHead(request);
  }

  *start(): Iterable<Frame> {
    // This API has no event for the beginning: the first chunk brings the first part.
  }

  *content(part: ContentPart): Iterable<Frame> {
    if (part.type === "text") {
      for (const text of textDeltas(part)) yield { ...this.#chunk({ text }), delta: true };
    } else {
      // Thoughts and calls are never cut into pieces.
      yield { ...this.#chunk(wholePart(part)), delta: true };
    }
  }

  *end(): Iterable<Frame> {
    const last = { ...candidate([{ text: "" }]), finishReason: finishReason(this.#reply) };
    yield { data: { ...this.#head, candidates: [last], usageMetadata: usage(this.#reply) } };
  }

  *failure(status: number, message: string): Iterable<Frame> {
    yield { data: { error: errorBody(status, message) }, bare: true };
  }

  #chunk(part: JsonObject): Frame {
    return { data: { ...this.#head, candidates: [candidate([part])] } };
  }
}

function answerHead(request: ModelRequest): JsonObject {
  return { modelVersion: request.model, responseId: randomUUID() };
}

function candidate(parts: readonly JsonObject[]): JsonObject {
  return { content: { role: "model", parts }, index: 0 };
}

function wholePart(part: ContentPart): JsonObject {
  switch (part.type) {
    case "text":
      return { text: wholeText(part) };
    case "think":
      return { text: part.text, thought: true };
    case "call": {
      const { name, input } = part.call;
      const args = typeof input === "string" ? { input } : input;
      // The real one proves what was thought before the call; a client only has to send it back.
      return {
        functionCall: { id: randomUUID(), name, args },
        thoughtSignature: Buffer.from(`stand-in:${name}`).toString("base64"),
      };
    }
  }
}

/** An answer that calls a tool ends like any other. */
function finishReason(reply: Reply): string {
  return reply.stopReason ?? "STOP";
}

function usage(reply: Reply): JsonObject {
  const { input, output, cacheRead, cacheWrite, reasoning } = reply.usage;
  // Cached tokens are part of the prompt here, but thoughts are no part of the answer.
  const prompt = input + cacheRead + cacheWrite;
  const answer = Math.max(0, output - reasoning);
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: answer,
    ...(reasoning > 0 ? { thoughtsTokenCount: reasoning } : {}),
    ...(cacheRead > 0 ? { cachedContentTokenCount: cacheRead } : {}),
    totalTokenCount: prompt + answer + reasoning,
  };
}

const errorStatuses: Readonly<Record<number, string>> = {
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  501: "NOT_IMPLEMENTED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

function errorBody(code: number, message: string, retryAfterSeconds?: number): JsonObject {
  const status = errorStatuses[code] ?? (code < 500 ? "INVALID_ARGUMENT" : "INTERNAL");
  const details = [
    { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${retryAfterSeconds}s` },
  ];
  return { code, message, status, ...(retryAfterSeconds === undefined ? {} : { details }) };
}
