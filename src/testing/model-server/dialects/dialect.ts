import type { IncomingHttpHeaders } from "node:http";
import type { JsonObject } from "../../../spec/json.ts";
import type { ModelRequest } from "../model-request.ts";
import type { ContentPart, Reply } from "../reply.ts";

/** One server-sent event. */
export interface Frame {
  /** Missing in the APIs that tell events apart by their data alone. */
  readonly event?: string;
  /** A string goes out as it is, such as the `[DONE]` at the end of some streams. */
  readonly data: JsonObject | string;
  /** Goes out without the `data:` of an event, which is how some APIs break off a stream with an error. */
  readonly bare?: true;
  /** The frame carries a piece of a text, so `!slow` waits before it. */
  readonly delta?: true;
}

/** An answer on its way out as a stream. */
export interface StreamedAnswer {
  start(): Iterable<Frame>;
  content(part: ContentPart): Iterable<Frame>;
  end(): Iterable<Frame>;
  /** What the client sees of an error in the middle of the stream. */
  failure(status: number, message: string): Iterable<Frame>;
}

/**
 * The wire format of one model API. A dialect only reads and renders: which answer is due, its pace and its faults are
 * common to all. Another API is one more object of this shape.
 */
export interface Dialect {
  readonly name: string;
  /** Tells whether a POST to this path asks for an answer. */
  answers(path: string): boolean;
  read(body: JsonObject, headers: IncomingHttpHeaders, path: string): ModelRequest;
  stream(request: ModelRequest, reply: Reply): StreamedAnswer;
  /** The answer for a client that does not stream. */
  whole(request: ModelRequest, reply: Reply): JsonObject;
  /** The body of an error; `retryAfterSeconds` is for the APIs that say it there and not only in a header. */
  error(status: number, message: string, retryAfterSeconds?: number): JsonObject;
  /** Answers what else a CLI asks of this API; `undefined` when it is not of this API. */
  other?(method: string, path: string, body: JsonObject): JsonObject | undefined;
}

/** Cuts a text into deltas at the beginnings of words, so that they join to the same text. */
export function* textDeltas(part: { readonly text: string; readonly times?: number }): Iterable<string> {
  if (part.times === undefined) {
    yield* part.text.match(/\s*\S+\s*$|\s*\S+|\s+$/g) ?? [part.text];
    return;
  }
  for (let count = 0; count < part.times; count += 1) yield part.text;
}

/** The parts of an answer that are content, for a client that does not stream. */
export function contentParts(reply: Reply): readonly ContentPart[] {
  return reply.parts.filter(
    (part): part is ContentPart => part.type === "text" || part.type === "think" || part.type === "call",
  );
}

export function wholeText(part: { readonly text: string; readonly times?: number }): string {
  return part.text.repeat(part.times ?? 1);
}

/** An object's members joined into one text, cut into a few pieces as a model would stream them. */
export function* inputDeltas(text: string): Iterable<string> {
  const size = Math.max(16, Math.ceil(text.length / 8));
  for (let start = 0; start < text.length; start += size) yield text.slice(start, start + size);
}
