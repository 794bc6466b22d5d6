import type { PseudoTtyOptions } from "ssh2";
import { retriedWhenRefused } from "../../src/kit.ts";
import { NoMoreSessions, SshConnection, type SshSession } from "./connection.ts";
import type { SshSettings } from "./options.ts";

/**
 * As many connections as the sessions of one sandbox need: a machine takes some ten sessions on each. They are opened one
 * at a time, since it also limits how many may be logging in.
 */
export class ConnectionPool {
  readonly #settings: SshSettings;
  readonly #connections = new Set<SshConnection>();
  readonly #end = new AbortController();
  #opening: Promise<SshConnection> | undefined;

  constructor(settings: SshSettings) {
    this.#settings = settings;
  }

  /** Runs a line of the user's shell in a session of its own, on a connection that has room for it. */
  async execute(
    line: string,
    terminal?: PseudoTtyOptions,
  ): Promise<SshSession & { readonly connection: SshConnection }> {
    for (;;) {
      const connection = this.#find(({ hasRoom }) => hasRoom) ?? (await this.#open());
      // Others may have waited for the same one.
      if (!connection.hasRoom) continue;
      try {
        return { ...(await connection.execute(line, terminal)), connection };
      } catch (error) {
        if (!(error instanceof NoMoreSessions)) throw error;
      }
    }
  }

  /** Any connection that is open. */
  async any(): Promise<SshConnection> {
    return this.#find(({ isOpen }) => isOpen) ?? this.#open();
  }

  end(): void {
    this.#end.abort(new Error("The connections of this sandbox have been closed."));
    for (const connection of this.#connections) connection.end();
    this.#connections.clear();
  }

  #find(wanted: (connection: SshConnection) => boolean): SshConnection | undefined {
    return [...this.#connections].find(wanted);
  }

  async #open(): Promise<SshConnection> {
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #connect(): Promise<SshConnection> {
    const { signal } = this.#end;
    const open = (): Promise<SshConnection> => SshConnection.open(this.#settings);
    const connection = await retriedWhenRefused(open, { signal, attempts: 3 });
    if (signal.aborted) connection.end();
    signal.throwIfAborted();
    this.#connections.add(connection);
    connection.whenEnded(() => this.#connections.delete(connection));
    return connection;
  }
}
