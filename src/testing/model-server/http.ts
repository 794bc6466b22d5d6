import type { IncomingMessage, ServerResponse } from "node:http";
import { isJsonObject, parseJson } from "../../kit/json.ts";
import type { JsonObject } from "../../spec/json.ts";

/** A body that is refused, with the status that says so. */
export class BodyError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Body {
  /** Empty when nothing was sent. */
  readonly value: JsonObject;
  readonly bytes: number;
}

export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Body> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw new BodyError(415, `The content encoding ${encoding} is not supported.`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new BodyError(413, `The body is larger than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  if (bytes === 0) return { value: {}, bytes };
  const value = parseJson(Buffer.concat(chunks).toString("utf8"));
  if (!isJsonObject(value)) throw new BodyError(400, "The body is not a JSON object.");
  return { value, bytes };
}

export function sendJson(response: ServerResponse, status: number, value: JsonObject): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** The path of a request without its query. */
export function pathOf(request: IncomingMessage): string {
  return request.url?.split("?", 1)[0] ?? "/";
}
