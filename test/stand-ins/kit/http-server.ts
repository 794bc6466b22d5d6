import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Faults } from "./faults.ts";

export interface StandInRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** By the names in the pattern, decoded. */
  readonly parameters: { readonly [name: string]: string };
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly raw: IncomingMessage;
  /** For answers that are no JSON; return `undefined` then. */
  readonly response: ServerResponse;
  /** The whole body. */
  body(): Promise<Buffer>;
  /** The whole body as JSON; an empty one is `{}`. */
  json(): Promise<unknown>;
}

/** Thrown by a handler: the answer is this status, with the body that the vendor's API gives for it. */
export class HttpError extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, message: string, body?: unknown) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** What it returns is the JSON of the answer; `undefined`: it answers by itself. */
export type StandInHandler = (request: StandInRequest) => unknown;

export type UpgradeHandler = (
  request: Pick<StandInRequest, "path" | "parameters" | "query" | "headers" | "raw">,
  socket: Duplex,
  head: Buffer,
) => void;

export interface StandInServerOptions {
  /** The body of an answer that is an error, as the vendor's API words it; default `{ message }`. */
  readonly errorBody?: (status: number, message: string) => unknown;
  /** Called before each handler; throws `HttpError`, with 401 for example. */
  readonly guard?: (request: StandInRequest) => void;
  /** Longest address and headers together; default 16 KiB. */
  readonly maxHeaderBytes?: number;
}

/** How a handler answers with another status than 200. */
export class Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: { readonly [name: string]: string };

  constructor(status: number, body?: unknown, headers: { readonly [name: string]: string } = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly handle: StandInHandler;
}

/** A small HTTP server on 127.0.0.1, with faults on demand. */
export class StandInServer {
  readonly faults = new Faults();
  /** Every request that came, whatever became of it. */
  readonly requests: { readonly method: string; readonly path: string }[] = [];
  readonly #options: StandInServerOptions;
  readonly #routes: Route[] = [];
  readonly #upgrades: { readonly pattern: RegExp; readonly handle: UpgradeHandler }[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #port = 0;

  constructor(options: StandInServerOptions = {}) {
    this.#options = options;
    const { maxHeaderBytes } = options;
    const limits = maxHeaderBytes === undefined ? {} : { maxHeaderSize: maxHeaderBytes };
    this.#server = createServer(limits, (raw, response) => void this.#serve(raw, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("upgrade", (raw, socket, head) => {
      this.#upgrade(raw, socket, head);
    });
  }

  /** `:name` in a pattern is one segment, `*name` all that is left; `method` may be `"*"`. Earlier routes win. */
  route(method: string, pattern: string, handle: StandInHandler): this {
    this.#routes.push({ method, pattern: expressionOf(pattern), handle });
    return this;
  }

  upgrade(pattern: string, handle: UpgradeHandler): this {
    this.#upgrades.push({ pattern: expressionOf(pattern), handle });
    return this;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  get port(): number {
    return this.#port;
  }

  /** `http://127.0.0.1:<port>`, without a slash at its end. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** How many requests of this kind came. */
  count(method: string, path: string | RegExp): number {
    return this.requests.filter(
      (request) =>
        request.method === method &&
        (typeof path === "string" ? request.path === path : path.test(request.path)),
    ).length;
  }

  /** Cuts all connections; new ones are taken. */
  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cutConnections();
    await closed;
  }

  async #serve(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET" } = raw;
    const url = new URL(raw.url ?? "/", "http://stand-in");
    const path = url.pathname;
    this.requests.push({ method, path });
    response.on("error", () => undefined);
    const fault = this.faults.take({ method, path });
    if (fault !== undefined && fault.kind !== "status") {
      if (fault.kind === "cut") raw.socket.destroy();
      if (fault.kind === "malformed") {
        response.writeHead(200, { "content-type": "application/json" }).end('{"unfinished": [');
      }
      return;
    }
    if (fault !== undefined) {
      const { retryAfterSeconds } = fault;
      const headers = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
      this.#answerError(response, fault.status, "A fault that the test asked for.", undefined, headers);
      return;
    }
    const route = this.#routes.find(
      (each) => (each.method === method || each.method === "*") && each.pattern.test(path),
    );
    if (route === undefined) {
      this.#answerError(response, 404, `There is no ${method} ${path}.`);
      return;
    }
    try {
      const request = requestOf(raw, response, url, route.pattern);
      this.#options.guard?.(request);
      const result: unknown = await route.handle(request);
      if (result instanceof Answer) answer(response, result);
      else if (result !== undefined) answer(response, new Answer(200, result));
    } catch (error) {
      if (error instanceof HttpError) this.#answerError(response, error.status, error.message, error.body);
      else this.#answerError(response, 500, error instanceof Error ? error.message : String(error));
    }
  }

  #answerError(
    response: ServerResponse,
    status: number,
    message: string,
    body?: unknown,
    headers: { readonly [name: string]: string } = {},
  ): void {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { errorBody = (_status: number, words: string) => ({ message: words }) } = this.#options;
    answer(response, new Answer(status, body ?? errorBody(status, message), headers));
  }

  #upgrade(raw: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(raw.url ?? "/", "http://stand-in");
    const path = url.pathname;
    this.requests.push({ method: "UPGRADE", path });
    socket.on("error", () => undefined);
    const fault = this.faults.take({ method: "UPGRADE", path });
    if (fault?.kind === "silence") return;
    const refuse = (status: number): void => {
      socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
    };
    if (fault?.kind === "status") {
      refuse(fault.status);
      return;
    }
    const found = this.#upgrades.find(({ pattern }) => pattern.test(path));
    if (fault !== undefined || found === undefined) {
      if (fault === undefined) refuse(404);
      else socket.destroy();
      return;
    }
    const { parameters } = matched(found.pattern, path);
    found.handle({ path, parameters, query: url.searchParams, headers: raw.headers, raw }, socket, head);
  }
}

function expressionOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
    .replace(/:(\w+)/g, "(?<$1>[^/]+)")
    .replace(/\*(\w+)/g, "(?<$1>.*)");
  return new RegExp(`^${source}$`);
}

function matched(pattern: RegExp, path: string): Pick<StandInRequest, "parameters"> {
  const groups = Object.entries(pattern.exec(path)?.groups ?? {});
  return { parameters: Object.fromEntries(groups.map(([name, value]) => [name, decodeURIComponent(value)])) };
}

function requestOf(
  raw: IncomingMessage,
  response: ServerResponse,
  url: URL,
  pattern: RegExp,
): StandInRequest {
  const body = async (): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of raw) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks);
  };
  return {
    method: raw.method ?? "GET",
    path: url.pathname,
    ...matched(pattern, url.pathname),
    query: url.searchParams,
    headers: raw.headers,
    raw,
    response,
    body,
    json: async () => {
      const text = (await body()).toString();
      try {
        return text === "" ? {} : (JSON.parse(text) as unknown);
      } catch {
        throw new HttpError(400, "The body is no JSON.");
      }
    },
  };
}

function answer(response: ServerResponse, { status, body, headers }: Answer): void {
  const text = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, { ...(text === "" ? {} : { "content-type": "application/json" }), ...headers });
  response.end(text);
}
