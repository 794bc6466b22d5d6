import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { isJsonObject, parseJson } from "../../kit/json.ts";
import type { JsonObject } from "../../spec/json.ts";
import { anthropicMessages } from "./dialects/anthropic-messages.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { openaiResponses } from "./dialects/openai-responses.ts";
import type { SideRequest } from "./model-request.ts";
import { play } from "./play.ts";
import { dueReply, FaultCounter } from "./reply.ts";
import { directiveScenario, type Scenario, sideAnswer } from "./scenarios.ts";
import { ScriptError } from "./script.ts";

export interface ModelServerOptions {
  /** The port to listen on. Default: any free one. */
  readonly port?: number;
  /** The address to listen on. Default: `127.0.0.1`, which only this machine reaches. */
  readonly host?: string;
  /** What the model does. Default: {@link directiveScenario}. */
  readonly scenario?: Scenario;
  /** The only key that is let in. Default: any, or none. */
  readonly apiKey?: string;
  /** Takes one line for each request that was answered. */
  readonly log?: (line: string) => void;
  /** How many requests {@link ModelServer.requests} keeps. Default: 200. */
  readonly keepRequests?: number;
  /** The largest request body, in bytes. Default: 32 MiB. */
  readonly maxBodyBytes?: number;
}

/** A request as it came in. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Empty when there was none, or none that is a JSON object. */
  readonly body: JsonObject;
  /** The model API, when an answer was asked for. */
  readonly dialect?: string;
  /** What the CLI wanted for itself, when it was no turn of the user's. */
  readonly side?: SideRequest;
  /** The prompt that the model was to answer, when an answer was asked for. */
  readonly prompt?: string;
}

export interface ModelServer extends AsyncDisposable {
  /** Without a path, such as `http://127.0.0.1:40123`. Codex wants `/v1` behind it. */
  readonly url: string;
  readonly port: number;
  /** The requests that came in last, oldest first. */
  readonly requests: readonly ReceivedRequest[];
  /** Ends every answer under way and resolves when all sockets are gone. Closing twice is fine. */
  close(): Promise<void>;
}

const dialects: readonly Dialect[] = [anthropicMessages, openaiResponses];

/**
 * Starts a stand-in for the model APIs that coding-agent CLIs talk to, so that the real CLIs run without a network and
 * without a key. It speaks Anthropic's Messages API and OpenAI's Responses API.
 *
 * The prompt says what the model does, by the directives of {@link readDirectives}; `scenario` replaces that. The
 * server keeps no conversation: what is due follows from each request. The caller closes it; left open, it does not
 * keep the process alive.
 *
 * @example
 * await using server = await startModelServer();
 * const environment = { ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: "any" };
 *
 * @throws the error of `listen` when the address cannot be taken.
 */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const host = options.host ?? "127.0.0.1";
  const closing = new AbortController();
  const handler = new RequestHandler(options, closing.signal);
  const server = createServer((request, response) => void handler.handle(request, response));
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.unref();
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  server.unref();
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= new Promise((resolve) => {
      // Referenced again, or the process could end before the last socket is gone.
      server.ref();
      server.close(() => resolve());
      closing.abort();
      for (const socket of sockets) socket.destroy();
    });
    return closed;
  };
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    get requests() {
      return [...handler.requests];
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

class RequestHandler {
  readonly requests: ReceivedRequest[] = [];
  readonly #options: ModelServerOptions;
  readonly #closing: AbortSignal;
  readonly #faults = new FaultCounter();

  constructor(options: ModelServerOptions, closing: AbortSignal) {
    this.#options = options;
    this.#closing = closing;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that leaves in the middle of an answer is nothing unusual.
    response.on("error", () => undefined);
    const path = pathOf(request);
    let outcome: string;
    try {
      outcome = await this.#answer(request, response, path);
    } catch (error) {
      outcome = error instanceof Error ? error.message : String(error);
      const status = error instanceof ScriptError ? 400 : error instanceof BodyError ? error.status : 500;
      if (response.headersSent) response.destroy();
      else sendJson(response, status, errorFor(path).error(status, outcome));
    }
    this.#options.log?.(`${request.method ?? ""} ${path}: ${outcome}`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<string> {
    const method = request.method ?? "GET";
    const body = await readBody(request, this.#options.maxBodyBytes ?? 32 * 1024 * 1024);
    const received = { method, path, headers: request.headers, body };
    if (!this.#letsIn(request.headers) && path !== "/") {
      this.#keep(received);
      sendJson(response, 401, errorFor(path).error(401, "The API key is not valid."));
      return "401";
    }
    const dialect = method === "POST" ? dialects.find((one) => one.answers(path)) : undefined;
    if (dialect === undefined) {
      this.#keep(received);
      return answerOther(response, received);
    }
    const asked = dialect.read(body, request.headers, path);
    this.#keep({
      ...received,
      dialect: dialect.name,
      prompt: asked.prompt,
      ...(asked.side === undefined ? {} : { side: asked.side }),
    });
    const scenario = asked.side === undefined ? (this.#options.scenario ?? directiveScenario) : sideAnswer;
    const reply = dueReply(scenario(asked), asked, this.#faults);
    return play({ dialect, request: asked, reply, response, closing: this.#closing });
  }

  #letsIn(headers: IncomingHttpHeaders): boolean {
    const { apiKey } = this.#options;
    if (apiKey === undefined) return true;
    return headers["x-api-key"] === apiKey || headers.authorization === `Bearer ${apiKey}`;
  }

  #keep(received: ReceivedRequest): void {
    this.requests.push(received);
    const surplus = this.requests.length - (this.#options.keepRequests ?? 200);
    if (surplus > 0) this.requests.splice(0, surplus);
  }
}

class BodyError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<JsonObject> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw new BodyError(415, `The content encoding ${encoding} is not supported.`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new BodyError(413, `The body is larger than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  const value = parseJson(Buffer.concat(chunks).toString("utf8"));
  if (!isJsonObject(value)) throw new BodyError(400, "The body is not a JSON object.");
  return value;
}

function answerOther(response: ServerResponse, { method, path, body }: ReceivedRequest): string {
  if (method === "HEAD" || path === "/") {
    response.writeHead(200).end();
    return "200";
  }
  for (const dialect of dialects) {
    const answer = dialect.other?.(method, path, body);
    if (answer === undefined) continue;
    sendJson(response, 200, answer);
    return "200";
  }
  sendJson(response, 404, errorFor(path).error(404, `There is nothing at ${method} ${path}.`));
  return "404";
}

/** The dialect whose error format a client at this path understands. */
function errorFor(path: string): Dialect {
  return dialects.find((dialect) => dialect.answers(path)) ?? anthropicMessages;
}

function sendJson(response: ServerResponse, status: number, value: JsonObject): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function pathOf(request: IncomingMessage): string {
  return new URL(request.url ?? "/", "http://localhost").pathname;
}
