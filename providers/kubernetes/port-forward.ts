import { type AddressInfo, type Server, type Socket as Connection, createServer } from "node:net";
import type { Cluster } from "./cluster.ts";
import { olderProtocol, openSocket } from "./exec-socket.ts";
import type { Socket } from "./load-client.ts";

/** The channels of the one port that each socket is for. Each begins with the port's number in two bytes. */
const dataChannel = 0;
const errorChannel = 1;
const portBytes = 2;
const frameBytes = 32 * 1024;

/** A port of this machine's loopback interface whose connections end at a port of a pod. */
export class PortForward {
  readonly url: string;
  readonly #server: Server;
  readonly #connections: Set<Connection>;

  private constructor(server: Server, connections: Set<Connection>) {
    this.#server = server;
    this.#connections = connections;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async listen(cluster: Cluster, pod: string, port: number): Promise<PortForward> {
    const connections = new Set<Connection>();
    const server = createServer({ pauseOnConnect: true }, (connection) => {
      connections.add(connection);
      connection.once("close", () => connections.delete(connection));
      connection.on("error", () => undefined);
      void forward(cluster, pod, port, connection);
    });
    await new Promise<void>((resolve, reject) => {
      // For good: it also tells of each connection that could not be taken.
      server.on("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    // A host that has nothing else to do may end.
    server.unref();
    return new PortForward(server, connections);
  }

  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
  }
}

/** Both directions wait for a slow reader. A port where nobody listens closes the connection. */
async function forward(cluster: Cluster, pod: string, port: number, connection: Connection): Promise<void> {
  const path = `/api/v1/namespaces/${cluster.namespace}/pods/${pod}/portforward`;
  const query = new URLSearchParams({ ports: String(port) });
  const toSkip = [portBytes, portBytes];
  let socket: Socket | undefined;
  try {
    socket = await openSocket(cluster, path, query, [olderProtocol], {
      message: (channel, payload) => {
        const skipped = Math.min(toSkip[channel] ?? 0, payload.length);
        toSkip[channel] = (toSkip[channel] ?? 0) - skipped;
        const bytes = payload.subarray(skipped);
        if (bytes.length === 0) return;
        if (channel === errorChannel) connection.destroy();
        else if (channel === dataChannel && !connection.write(bytes)) socket?.pause();
      },
      closed: () => connection.end(),
    });
  } catch {
    connection.destroy();
    return;
  }
  const opened = socket;
  connection.on("drain", () => {
    opened.resume();
  });
  connection.once("close", () => {
    opened.terminate();
  });
  if (connection.destroyed) {
    opened.terminate();
    return;
  }
  connection.on("data", (chunk: Buffer) => {
    connection.pause();
    void sendAll(opened, chunk).then(
      () => connection.resume(),
      () => connection.destroy(),
    );
  });
  connection.resume();
}

async function sendAll(socket: Socket, chunk: Buffer): Promise<void> {
  for (let from = 0; from < chunk.length; from += frameBytes) {
    const frame = Buffer.concat([Uint8Array.of(dataChannel), chunk.subarray(from, from + frameBytes)]);
    await new Promise<void>((resolve, reject) => {
      socket.send(frame, (error) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
  }
}
