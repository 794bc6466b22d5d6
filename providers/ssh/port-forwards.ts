import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { type ExposedPort, SandboxAgentError } from "../../src/kit.ts";
import { isProhibited } from "./connection.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { providerName } from "./failures.ts";

/** Ports of the machine, each reachable by a port of the host's loopback interface. */
export class PortForwards {
  readonly #pool: ConnectionPool;
  readonly #ports = new Map<number, Promise<ExposedPort>>();
  readonly #servers = new Set<Server>();
  readonly #sockets = new Set<Socket>();

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  /** The same port again gives the same address. */
  async open(port: number): Promise<ExposedPort> {
    const known = this.#ports.get(port);
    if (known !== undefined) return known;
    const opened = this.#listen(port);
    this.#ports.set(port, opened);
    opened.catch(() => this.#ports.delete(port));
    return opened;
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#servers.clear();
    this.#ports.clear();
  }

  async #listen(port: number): Promise<ExposedPort> {
    await this.#assertAllowed(port);
    const server = createServer({ allowHalfOpen: true }, (socket) => void this.#join(socket, port));
    await new Promise<void>((resolve, reject) => {
      // For good: it also tells of each connection that could not be taken.
      server.on("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    // A host that has nothing else to do may end.
    server.unref();
    this.#servers.add(server);
    const { port: local } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${local}` };
  }

  /** Nothing may be listening yet, but the machine may forbid it altogether. */
  async #assertAllowed(port: number): Promise<void> {
    const connection = await this.#pool.any();
    try {
      (await connection.forward(port)).destroy();
    } catch (error) {
      if (!isProhibited(error)) return;
      throw new SandboxAgentError(
        "unsupported",
        `The machine does not forward connections to port ${port}.`,
        {
          details: { subject: providerName, feature: "expose" },
          cause: error,
          remedy: "Set `AllowTcpForwarding local` in the sshd_config of the machine.",
        },
      );
    }
  }

  async #join(socket: Socket, port: number): Promise<void> {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => undefined);
    try {
      const connection = await this.#pool.any();
      const channel = await connection.forward(port);
      if (socket.destroyed) {
        channel.destroy();
        return;
      }
      channel.on("error", () => socket.destroy());
      channel.once("close", () => socket.destroy());
      socket.once("close", () => channel.destroy());
      socket.pipe(channel);
      channel.pipe(socket);
    } catch {
      socket.destroy();
    }
  }
}
