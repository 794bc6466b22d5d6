import type { Client, ClientChannel, ConnectConfig, PseudoTtyOptions, ServerHostKeyAlgorithm } from "ssh2";
import type { ProcessExit } from "../../src/kit.ts";
import { connectionFailure, noAgent, WrongHostKey } from "./failures.ts";
import { fingerprintOf, isExpectedKey } from "./host-key.ts";
import { loadSsh2 } from "./load-ssh2.ts";
import type { SshSettings } from "./options.ts";

/** How many missed signs of life end a connection. */
const keepaliveCountMax = 3;

/** As sshd is configured when it is installed; one that allows less is found out. */
const usualMaxSessions = 10;

/** The machine takes no further session on this connection. */
export class NoMoreSessions extends Error {}

/** A line of the user's shell that runs on the machine. */
export interface SshSession {
  readonly channel: ClientChannel;
  readonly exited: Promise<ProcessExit>;
}

/** One connection to the machine, which carries several sessions. */
export class SshConnection {
  readonly #client: Client;
  readonly #onBroken = new Set<() => void>();
  #sessions = 0;
  #maxSessions = usualMaxSessions;
  #isOpen = true;

  constructor(client: Client) {
    this.#client = client;
    // What is to be known of an error is known by the end of the connection, which follows.
    client.on("error", () => undefined);
    client.once("close", () => {
      this.#isOpen = false;
      const listeners = [...this.#onBroken];
      this.#onBroken.clear();
      for (const listener of listeners) listener();
    });
  }

  /** @throws SandboxAgentError that says why there is none. */
  static async open(settings: SshSettings): Promise<SshConnection> {
    const address = `${settings.host}:${settings.port}`;
    let wrongKey: unknown;
    for (const algorithms of settings.hostKey.algorithms) {
      try {
        return new SshConnection(await connect(settings, algorithms));
      } catch (error) {
        if (!(error instanceof WrongHostKey)) throw connectionFailure(address, error);
        wrongKey ??= error;
      }
    }
    throw connectionFailure(address, wrongKey);
  }

  get hasRoom(): boolean {
    return this.#isOpen && this.#sessions < this.#maxSessions;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Calls back when the connection has ended, at once where it has. Returns how to take that back. */
  whenEnded(listener: () => void): () => void {
    if (this.#isOpen) this.#onBroken.add(listener);
    else listener();
    return () => this.#onBroken.delete(listener);
  }

  /**
   * Runs a line of the user's shell in a session of its own.
   *
   * @throws NoMoreSessions when there are as many as the machine allows.
   */
  async execute(line: string, terminal?: PseudoTtyOptions): Promise<SshSession> {
    this.#sessions++;
    try {
      return await this.#request<SshSession>((settle) => {
        this.#client.exec(line, terminal === undefined ? {} : { pty: terminal }, (error, channel) => {
          // The end of a short command may come in one packet with the answer: nothing waits for it after this.
          if (error === undefined) settle(undefined, { channel, exited: this.#exitOf(channel) });
          else settle(error);
        });
      });
    } catch (error) {
      this.#sessions--;
      if (!this.#isOpen || !isRefusedChannel(error) || this.#sessions === 0) throw error;
      this.#maxSessions = this.#sessions;
      throw new NoMoreSessions("The machine takes no further session on this connection.", { cause: error });
    }
  }

  /** Opens a stream to a port of the machine itself. */
  forward(port: number): Promise<ClientChannel> {
    return this.#request<ClientChannel>((settle) => {
      this.#client.forwardOut("127.0.0.1", 0, "127.0.0.1", port, settle);
    });
  }

  end(): void {
    this.#client.end();
    this.#client.destroy();
  }

  /** Rejects when the session ends without a word about the process. */
  // eslint-disable-next-line no-restricted-syntax -- an async function would give another promise, handled by nobody
  #exitOf(channel: ClientChannel): Promise<ProcessExit> {
    const exited = new Promise<ProcessExit>((resolve, reject) => {
      const lost = (): void => {
        reject(new Error("The connection to the machine broke."));
      };
      const forget = this.whenEnded(lost);
      channel.once("exit", (code: number | null, signal?: string) => {
        forget();
        resolve({ code, signal: signal ?? null });
      });
      channel.once("close", () => {
        this.#sessions--;
        forget();
        lost();
      });
    });
    exited.catch(() => undefined);
    return exited;
  }

  #request<Value>(send: (settle: (error: Error | undefined, value?: Value) => void) => void): Promise<Value> {
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(new Error("The connection to the machine broke."));
      if (!this.#isOpen) {
        lost();
        return;
      }
      const forget = this.whenEnded(lost);
      send((error, value) => {
        forget();
        if (value === undefined) reject(error ?? new Error("The machine gave no answer."));
        else resolve(value);
      });
    });
  }
}

/** By RFC 4254, 1: prohibited, 2: failed, 4: short of resources. */
export function isRefusedChannel(error: unknown): boolean {
  return error instanceof Error && typeof Reflect.get(error, "reason") === "number";
}

/** Whether the machine's administrator has forbidden it. */
export function isProhibited(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, "reason") === 1;
}

async function connect(
  settings: SshSettings,
  algorithms: readonly ServerHostKeyAlgorithm[],
): Promise<Client> {
  const { hostKey } = settings;
  const { Client: SshClient } = await loadSsh2();
  const credential = await credentialOf(settings);
  let shown: string | undefined;
  const config: ConnectConfig = {
    algorithms: { serverHostKey: [...algorithms] },
    host: settings.host,
    port: settings.port,
    username: settings.username,
    readyTimeout: settings.connectTimeoutMs,
    keepaliveInterval: settings.keepaliveIntervalMs,
    keepaliveCountMax,
    hostVerifier: (key: Buffer) => {
      shown = fingerprintOf(key);
      return isExpectedKey(hostKey, key);
    },
    ...credential,
  };
  const client = new SshClient();
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      client.removeListener("ready", ready);
      client.on("error", () => undefined);
      client.destroy();
      const level: unknown = Reflect.get(error, "level");
      if (level !== "handshake") reject(error);
      // No key of the kind that is known: it has been changed, as much as by another one of that kind.
      else reject(new WrongHostKey(shown ?? `none of ${algorithms.join(", ")}`));
    };
    const ready = (): void => {
      // What comes in one packet with the permission is told before anybody else can listen.
      client.on("error", () => undefined);
      client.removeListener("error", fail);
      // Small writes are the usual ones, and to hold them back for an acknowledgement costs 40 ms each.
      client.setNoDelay(true);
      resolve(client);
    };
    client.once("error", fail);
    client.once("ready", ready);
    client.once("close", () => fail(lostEarly()));
    try {
      client.connect(config);
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function lostEarly(): Error {
  return Object.assign(new Error("It ended the connection."), { level: "protocol" });
}

async function credentialOf(settings: SshSettings): Promise<Partial<ConnectConfig>> {
  const { privateKey, passphrase, password } = settings;
  if (privateKey !== undefined) return { privateKey, ...(passphrase === undefined ? {} : { passphrase }) };
  if (password !== undefined) return { password };
  const agent = settings.agent ?? process.env["SSH_AUTH_SOCK"];
  if (agent === undefined || agent === "") throw noAgent();
  return { agent };
}
