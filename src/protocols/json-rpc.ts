import { isJsonObject, parseJson } from "../kit/json.ts";
import type { JsonObject } from "../spec/json.ts";

/** The id of a request, which its answer repeats. */
export type JsonRpcId = string | number;

/** Error codes of the JSON-RPC specification. */
export const jsonRpcErrors = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
} as const;

/** An error as the other side reported it. */
export interface JsonRpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** What one incoming line is. `Tag` is what the caller attached to its own request. */
export type JsonRpcMessage<Tag> =
  | { readonly kind: "request"; readonly id: JsonRpcId; readonly method: string; readonly params: JsonObject }
  | { readonly kind: "notification"; readonly method: string; readonly params: JsonObject }
  | { readonly kind: "result"; readonly tag: Tag; readonly result: unknown }
  | { readonly kind: "error"; readonly tag: Tag; readonly error: JsonRpcError }
  /** An answer to a request that nobody made, or that was answered before. */
  | { readonly kind: "stray" }
  /** JSON, but no JSON-RPC message. */
  | { readonly kind: "invalid" }
  /** No JSON at all. */
  | { readonly kind: "unparsed" };

export type JsonRpcReceived<Tag> = JsonRpcMessage<Tag> & {
  /** The parsed line; absent when it is no JSON. */
  readonly raw?: unknown;
};

export interface JsonRpcPeerOptions {
  /** Whether messages carry `"jsonrpc":"2.0"`; some agents leave it out. Default `true`. */
  readonly versionField?: boolean;
  /**
   * Most requests that may wait for an answer, default 1000. Beyond it the oldest is given up, so that a peer which
   * never answers does not take memory without end.
   */
  readonly maxPending?: number;
}

/**
 * One side of a JSON-RPC conversation over lines, without any I/O: outgoing messages are returned as lines, incoming
 * lines are classified, and answers are matched to requests by a tag. Nothing here throws, whatever a line holds.
 *
 * @example
 * ```ts
 * const peer = new JsonRpcPeer<"initialize">();
 * write(peer.request("initialize", {}, "initialize"));
 * const message = peer.receive(line);
 * if (message.kind === "result" && message.tag === "initialize") ready();
 * ```
 */
export class JsonRpcPeer<Tag> {
  readonly #version: { readonly jsonrpc?: "2.0" };
  readonly #maxPending: number;
  readonly #pending = new Map<JsonRpcId, Tag>();
  #lastId = 0;

  constructor(options: JsonRpcPeerOptions = {}) {
    this.#version = options.versionField === false ? {} : { jsonrpc: "2.0" };
    this.#maxPending = options.maxPending ?? 1000;
  }

  /** How many requests wait for an answer. */
  get pending(): number {
    return this.#pending.size;
  }

  request(method: string, params: JsonObject, tag: Tag): string {
    const id = ++this.#lastId;
    this.#pending.set(id, tag);
    if (this.#pending.size > this.#maxPending) {
      for (const oldest of this.#pending.keys()) {
        this.#pending.delete(oldest);
        break;
      }
    }
    return this.#line({ id, method, params });
  }

  notify(method: string, params?: JsonObject): string {
    return this.#line(params === undefined ? { method } : { method, params });
  }

  respond(id: JsonRpcId, result: unknown): string {
    return this.#line({ id, result: result ?? null });
  }

  reject(id: JsonRpcId, error: JsonRpcError): string {
    return this.#line({ id, error });
  }

  receive(line: string): JsonRpcReceived<Tag> {
    const raw = parseJson(line);
    if (raw === undefined) return { kind: "unparsed" };
    return { ...this.#classify(raw), raw };
  }

  /** Forgets the requests that still wait, and returns their tags: the other side is gone. */
  abandon(): Tag[] {
    const tags = [...this.#pending.values()];
    this.#pending.clear();
    return tags;
  }

  #classify(raw: unknown): JsonRpcMessage<Tag> {
    if (!isJsonObject(raw)) return { kind: "invalid" };
    const { id, method } = raw;
    const params = isJsonObject(raw["params"]) ? raw["params"] : {};
    if (typeof method === "string") {
      if (isId(id)) return { kind: "request", id, method, params };
      return { kind: "notification", method, params };
    }
    if (!isId(id) || (raw["result"] === undefined && raw["error"] === undefined)) return { kind: "invalid" };
    if (!this.#pending.has(id)) return { kind: "stray" };
    const tag = this.#pending.get(id) as Tag;
    this.#pending.delete(id);
    if (raw["error"] !== undefined && raw["error"] !== null) {
      return { kind: "error", tag, error: errorOf(raw["error"]) };
    }
    return { kind: "result", tag, result: raw["result"] };
  }

  #line(message: JsonObject): string {
    return JSON.stringify({ ...this.#version, ...message });
  }
}

function isId(value: unknown): value is JsonRpcId {
  return typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
}

function errorOf(value: unknown): JsonRpcError {
  const error = isJsonObject(value) ? value : { message: value };
  const { code, message, data } = error;
  return {
    code: typeof code === "number" ? code : jsonRpcErrors.internalError,
    message: typeof message === "string" ? message : "The other side gave no reason.",
    ...(data === undefined ? {} : { data }),
  };
}
