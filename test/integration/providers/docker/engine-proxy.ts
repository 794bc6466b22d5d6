import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The engine's socket at another place, where a test can listen in, hold requests back, and cut the connections. */
export interface EngineProxy {
  readonly socketPath: string;
  /** The first line of each request, such as `POST /containers/create`. */
  readonly requests: readonly string[];
  /** Is called with each request's first line before the request is handed on. */
  onRequest: (line: string) => Promise<void> | void;
  /** Cuts all connections, and takes no more. */
  cut(): Promise<void>;
}

export async function startEngineProxy(): Promise<EngineProxy> {
  const folder = await mkdtemp(join(tmpdir(), "docker-proxy-"));
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let isOpen = true;
  const server = createServer({ allowHalfOpen: true }, (host) => {
    const engine = connect({ path: "/var/run/docker.sock", allowHalfOpen: true });
    for (const socket of [host, engine]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        host.destroy();
        engine.destroy();
      });
    }
    engine.pipe(host);
    // The provider uses a connection for one request only.
    host.once("data", (chunk: Buffer) => {
      host.pause();
      const line = chunk.toString("latin1").split(" HTTP/1.1", 1)[0] ?? "";
      requests.push(line);
      void Promise.resolve(proxy.onRequest(line)).then(() => {
        engine.write(chunk);
        host.pipe(engine);
      });
    });
  });
  const socketPath = join(folder, "engine.sock");
  const proxy: EngineProxy = {
    socketPath,
    requests,
    onRequest: () => undefined,
    async cut() {
      if (!isOpen) return;
      isOpen = false;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
  await once(server.listen(socketPath), "listening");
  return proxy;
}
