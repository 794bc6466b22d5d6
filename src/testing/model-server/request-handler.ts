import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { JsonObject } from "../../spec/json.ts";
import { anthropicMessages } from "./dialects/anthropic-messages.ts";
import { chatCompletions } from "./dialects/chat-completions.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { gemini } from "./dialects/gemini.ts";
import { openaiResponses } from "./dialects/openai-responses.ts";
import { BodyError, pathOf, readBody, sendJson } from "./http.ts";
import type { SideRequest } from "./model-request.ts";
import { play } from "./play.ts";
import { dueReply, FaultCounter } from "./reply.ts";
import { directiveScenario, type Scenario, sideAnswer } from "./scenarios.ts";

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

export interface HandlerOptions {
  readonly scenario?: Scenario;
  readonly apiKey?: string;
  readonly log?: (line: string) => void;
  readonly maxBodyBytes?: number;
}

const dialects: readonly Dialect[] = [anthropicMessages, openaiResponses, gemini, chatCompletions];

const defaultMaxBodyBytes = 32 * 1024 * 1024;
const maxKeptRequests = 500;
const maxKeptBytes = 64 * 1024 * 1024;

/** Answers requests by the dialect of their path, and remembers them. */
export class RequestHandler {
  readonly #options: HandlerOptions;
  readonly #closing: AbortSignal;
  readonly #faults = new FaultCounter();
  readonly #kept: { readonly received: ReceivedRequest; readonly bytes: number }[] = [];
  #keptBytes = 0;

  constructor(options: HandlerOptions, closing: AbortSignal) {
    this.#options = options;
    this.#closing = closing;
  }

  get requests(): readonly ReceivedRequest[] {
    return this.#kept.map((one) => one.received);
  }

  /** Answers a request; it does not reject. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that leaves in the middle of an answer is nothing unusual.
    response.on("error", () => undefined);
    const path = pathOf(request);
    const outcome = await this.#answer(request, response, path).catch((error: unknown) => {
      // What a script or a scenario does wrong is a 400 as well: the CLIs repeat a request that fails with a 500.
      const status = error instanceof BodyError ? error.status : 400;
      const message = error instanceof Error ? error.message : String(error);
      if (response.headersSent) response.destroy();
      else sendJson(response, status, errorFor(path).error(status, message));
      return `${status} ${message}`;
    });
    try {
      this.#options.log?.(`${request.method ?? ""} ${path}: ${outcome}`);
    } catch {
      // A log that fails is no reason to fail anybody's request.
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<string> {
    const method = request.method ?? "GET";
    const { value: body, bytes } = await readBody(request, this.#options.maxBodyBytes ?? defaultMaxBodyBytes);
    const received = { method, path, headers: request.headers, body };
    if (!this.#letsIn(request.headers) && path !== "/") {
      this.#keep(received, bytes);
      sendJson(response, 401, errorFor(path).error(401, "The API key is not valid."));
      return "401";
    }
    const dialect = method === "POST" ? dialects.find((one) => one.answers(path)) : undefined;
    if (dialect === undefined) {
      this.#keep(received, bytes);
      return answerOther(response, received);
    }
    const asked = dialect.read(body, request.headers, path);
    const { prompt, side } = asked;
    this.#keep(
      { ...received, dialect: dialect.name, prompt, ...(side === undefined ? {} : { side }) },
      bytes,
    );
    const scenario = side === undefined ? (this.#options.scenario ?? directiveScenario) : sideAnswer;
    const reply = dueReply(scenario(asked), asked, this.#faults);
    return play({ dialect, request: asked, reply, response, closing: this.#closing });
  }

  #letsIn(headers: IncomingHttpHeaders): boolean {
    const { apiKey } = this.#options;
    if (apiKey === undefined) return true;
    return (
      headers["x-api-key"] === apiKey ||
      headers["x-goog-api-key"] === apiKey ||
      headers.authorization === `Bearer ${apiKey}`
    );
  }

  #keep(received: ReceivedRequest, bytes: number): void {
    this.#kept.push({ received, bytes });
    this.#keptBytes += bytes;
    while (this.#kept.length > maxKeptRequests || this.#keptBytes > maxKeptBytes) {
      this.#keptBytes -= this.#kept.shift()?.bytes ?? 0;
    }
  }
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
