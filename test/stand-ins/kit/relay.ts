import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";

/** Where a relay leads to: a socket's path, or a port of this machine. */
export type RelayTarget = { readonly path: string } | { readonly port: number };

/** How a connection ends: in order, or with a reset, as when something on the way has forgotten it. */
export type CutKind = "end" | "reset";

/** Stands between a client and a service, so that a test can take the service out of the client's reach. */
export class Relay {
  readonly #target: RelayTarget;
  readonly #server: Server;
  readonly #pairs = new Map<Socket, Socket>();
  #isOpen = true;

  constructor(target: RelayTarget) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      this.#take(client);
    });
  }

  /** Listens on a port of its own. */
  async start(): Promise<this> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections; new ones are taken. */
  cut(kind: CutKind = "end"): void {
    for (const [client, service] of this.#pairs) {
      if (kind === "reset") client.resetAndDestroy();
      else client.destroy();
      service.destroy();
    }
  }

  /** Cuts all connections, also those that are made from now on. */
  close(): void {
    this.#isOpen = false;
    this.cut();
  }

  open(): void {
    this.#isOpen = true;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.close();
    await closed;
  }

  #take(client: Socket): void {
    client.on("error", () => undefined);
    if (!this.#isOpen) {
      client.destroy();
      return;
    }
    const service = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    this.#pairs.set(client, service);
    service.on("error", () => undefined);
    for (const socket of [client, service]) {
      socket.on("close", () => {
        this.#pairs.delete(client);
        client.destroy();
        service.destroy();
      });
    }
    client.pipe(service);
    service.pipe(client);
  }
}
