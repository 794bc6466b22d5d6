import { createServer } from "node:http";
import type { Socket } from "node:net";
import { isFunction, isPositiveInteger, isString, validateOptions } from "../../kit/validate-options.ts";
import { type ReceivedRequest, RequestHandler } from "./request-handler.ts";
import type { Scenario } from "./scenarios.ts";

/** Everything has a default. */
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
  /** The largest request body, in bytes. Default: 32 MiB. */
  readonly maxBodyBytes?: number;
}

/** A model server that runs. */
export interface ModelServer extends AsyncDisposable {
  /** Without a path, such as `http://127.0.0.1:40123`. The clients of OpenAI's APIs want `/v1` behind it. */
  readonly url: string;
  readonly port: number;
  /** The requests that came in last, oldest first: at most 500, and at most 64 MiB of bodies. */
  readonly requests: readonly ReceivedRequest[];
  /** Ends every answer under way and resolves when all sockets are gone. Closing twice is fine. */
  close(): Promise<void>;
}

const optionChecks = {
  port: (value: unknown): string | undefined =>
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65_535
      ? undefined
      : "a port from 0 (any free one) to 65535",
  host: isString,
  scenario: isFunction,
  apiKey: isString,
  log: isFunction,
  maxBodyBytes: isPositiveInteger,
} as const;

/**
 * Starts a stand-in for the model APIs that coding-agent CLIs talk to, so that the real CLIs run without a network and
 * without a key. It speaks Anthropic's Messages API, OpenAI's Responses API and chat completions, and Google's Gemini
 * API, each at its own path.
 *
 * The prompt says what the model does, by the directives of {@link readDirectives}; `scenario` replaces that. The
 * server keeps no conversation: what is due follows from each request. The caller closes it; left open, it does not
 * keep the process alive.
 *
 * @example
 * await using server = await startModelServer();
 * const environment = { ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: "any" };
 *
 * @throws TypeError for an option that is unknown or wrong.
 * @throws the error of `listen` when the address cannot be taken.
 */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  validateOptions("startModelServer", options, optionChecks);
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
  const close = async (): Promise<void> => {
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
      return handler.requests;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
