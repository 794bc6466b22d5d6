import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import { vendorFailure } from "../../src/kit.ts";
import { type Action, type Service, failureOf, providerName, tokenVariables } from "./service.ts";

/**
 * Opens one of a sprite's WebSockets. It is paused, so that nothing is missed that comes before the caller listens.
 *
 * @throws SandboxAgentError with the code of the answer, where the service refuses.
 */
export async function openSocket(
  service: Service,
  path: string,
  query: URLSearchParams,
  action: Action,
): Promise<WebSocket> {
  const { token, baseUrl, requestTimeoutMs } = service;
  const text = query.toString();
  const address = `${baseUrl.replace(/^http/, "ws")}${path}${text === "" ? "" : `?${text}`}`;
  return new Promise((resolve, reject) => {
    const socket = new service.WebSocket(address, {
      headers: { authorization: `Bearer ${token}` },
      handshakeTimeout: requestTimeoutMs,
      perMessageDeflate: false,
    });
    socket.on("error", (error) => {
      reject(failureOf(error, action));
    });
    socket.once("open", () => {
      socket.pause();
      resolve(socket);
    });
    socket.once("unexpected-response", (request, response: IncomingMessage) => {
      const after = Number(response.headers["retry-after"] ?? Number.NaN);
      reject(
        vendorFailure(
          { ...action, provider: providerName, variables: tokenVariables },
          {
            status: response.statusCode,
            message: response.statusMessage ?? "It refused the connection.",
            ...(Number.isFinite(after) ? { retryAfterMs: after * 1000 } : {}),
          },
        ),
      );
      request.destroy();
    });
  });
}

const pingEveryMs = 15_000;
const silenceMs = 45_000;

/**
 * Asks for a sign of life as long as the socket is open, and ends it when there is none: a connection that broke without a
 * word would be waited on for ever. The service counts the questions as life, too.
 */
export function watchSocket(socket: WebSocket): void {
  let heardAt = performance.now();
  const heard = (): void => {
    heardAt = performance.now();
  };
  socket.on("pong", heard);
  socket.on("message", heard);
  const timer = setInterval(() => {
    // What is paused hears nothing.
    if (socket.isPaused) heard();
    if (performance.now() - heardAt > silenceMs) socket.terminate();
    else if (socket.readyState === socket.OPEN) socket.ping();
  }, pingEveryMs);
  timer.unref();
  socket.once("close", () => {
    clearInterval(timer);
  });
}

const closingMs = 1000;

/** Closes a socket that has served, and sees to it that it goes. */
export function closeSocket(socket: WebSocket): void {
  socket.resume();
  socket.close(1000);
  const timer = setTimeout(() => {
    socket.terminate();
  }, closingMs);
  socket.once("close", () => {
    clearTimeout(timer);
  });
}
