import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { Socket, connect, type Server } from "node:net";

/**
 * Has the server at an address on this machine be told, twice, that the operating system had no connection left to give
 * it. Throws where that would bring the host down.
 */
export async function failAccepts(url: string): Promise<void> {
  const server = await serverAt(url);
  for (const code of ["EMFILE", "ENFILE"]) {
    server.emit("error", Object.assign(new Error(`accept ${code}`), { code }));
  }
}

/** Node hands every connection that a server takes to whoever wants to know. */
async function serverAt(url: string): Promise<Server> {
  const taken: Server[] = [];
  const note = (message: unknown): void => {
    const socket: unknown = Reflect.get(Object(message) as object, "socket");
    if (socket instanceof Socket) taken.push(Reflect.get(socket, "server") as Server);
  };
  subscribe("net.server.socket", note);
  try {
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port) });
    await once(socket, "connect");
    while (taken.length === 0) await new Promise(setImmediate);
    socket.destroy();
    return taken[0]!;
  } finally {
    unsubscribe("net.server.socket", note);
  }
}
