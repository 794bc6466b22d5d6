import { type Server, type Socket, createServer } from "node:net";
import type { WebSocket } from "ws";
import { type ExposedPort, parseJson, stringField } from "../../src/kit.ts";
import { pathOf } from "./machine.ts";
import type { Service } from "./service.ts";
import { openSocket, watchSocket } from "./sockets.ts";

/** How much may wait in one direction before the other side is made to wait. */
const bufferBytes = 1024 * 1024;

/** Ports of a sprite that are reachable on this machine, as long as the sandbox's handle is. */
export class Tunnels {
  readonly #service: Service;
  readonly #id: string;
  readonly #open = new Map<number, Promise<{ readonly server: Server; readonly exposed: ExposedPort }>>();
  readonly #connections = new Set<Socket>();

  constructor(service: Service, id: string) {
    this.#service = service;
    this.#id = id;
  }

  async expose(port: number): Promise<ExposedPort> {
    const opening = this.#open.get(port) ?? this.#listen(port);
    this.#open.set(port, opening);
    opening.catch(() => this.#open.delete(port));
    return (await opening).exposed;
  }

  close(): void {
    for (const opening of this.#open.values()) {
      opening.then(({ server }) => server.close()).catch(() => undefined);
    }
    this.#open.clear();
    for (const connection of this.#connections) connection.destroy();
  }

  async #listen(port: number): Promise<{ readonly server: Server; readonly exposed: ExposedPort }> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (connection) => {
      this.#connections.add(connection);
      connection.once("close", () => this.#connections.delete(connection));
      // An error is followed by the end of the connection.
      connection.on("error", () => undefined);
      this.#carry(connection, port).catch(() => connection.destroy());
    });
    await new Promise<void>((resolve, reject) => {
      // For good: it also tells of each connection that could not be taken.
      server.on("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    // A host that has nothing else to do may end.
    server.unref();
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("There is no port to listen on.");
    return { server, exposed: { url: `http://127.0.0.1:${address.port}` } };
  }

  async #carry(connection: Socket, port: number): Promise<void> {
    const action = { action: `reach port ${port} of a sprite`, id: this.#id };
    const socket = await openSocket(
      this.#service,
      `${pathOf(this.#id)}/proxy`,
      new URLSearchParams(),
      action,
    );
    socket.once("close", () => connection.end());
    connection.once("close", () => {
      socket.terminate();
    });
    watchSocket(socket);
    const connected = answerOf(socket);
    socket.resume();
    socket.send(JSON.stringify({ host: "localhost", port }));
    if (!(await connected)) {
      connection.destroy();
      return;
    }
    socket.on("message", (data, isBinary) => {
      if (!isBinary || !Buffer.isBuffer(data)) return;
      if (connection.write(data)) return;
      socket.pause();
      connection.once("drain", () => {
        socket.resume();
      });
    });
    connection.on("data", (chunk: Buffer) => {
      socket.send(chunk, () => {
        if (socket.bufferedAmount < bufferBytes) connection.resume();
      });
      if (socket.bufferedAmount >= bufferBytes) connection.pause();
    });
    // The tunnel has no half-closed connections: a client that has said all still waits for its answer.
    connection.resume();
  }
}

/** The first message says whether the port could be reached. */
function answerOf(socket: WebSocket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once("close", () => {
      resolve(false);
    });
    socket.once("message", (data) => {
      const text = Buffer.isBuffer(data) ? data.toString() : "";
      resolve(stringField(parseJson(text), "status") === "connected");
    });
  });
}
