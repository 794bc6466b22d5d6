import {
  type Environment,
  type Labels,
  type RemoteCommand,
  type RemoteMachine,
  type RemoteTraits,
  SandboxAgentError,
  userStage,
  carriedLine,
  carrier,
} from "../../src/kit.ts";
import { asRoot } from "./as-root.ts";
import { ExecConnection } from "./exec-connection.ts";
import { encodeLabels, ownLabels } from "./labels.ts";
import { type Service, providerName } from "./service.ts";
import { openSocket } from "./sockets.ts";

export interface SpriteFacts {
  /** The sprite's name, by which the service knows it. */
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  readonly user?: string | undefined;
}

/** How long the service lets a command run that has lost its connection; also its own default. */
const runAfterDisconnect = "10s";

export function pathOf(id: string): string {
  return `/v1/sprites/${encodeURIComponent(id)}`;
}

/** One sprite, as `RemoteSandbox` takes it. */
export class SpriteMachine implements RemoteMachine {
  readonly provider = providerName;
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  readonly user?: string;
  // The service would take variables, too: as part of an address, and in place of the usual ones.
  readonly traits: RemoteTraits = { environment: "stdin", stdin: "native", users: "native" };
  readonly #service: Service;

  constructor(service: Service, { id, cwd, labels, env, user }: SpriteFacts) {
    this.#service = service;
    this.id = id;
    this.cwd = cwd;
    this.labels = labels;
    this.env = env;
    if (user !== undefined) this.user = user;
  }

  async start({ argv, stdin, user }: RemoteCommand): Promise<ExecConnection> {
    const query = new URLSearchParams();
    for (const word of carrier) query.append("cmd", word);
    query.set("path", carrier[0]);
    query.set("stdin", "true");
    query.set("max_run_after_disconnect", runAfterDisconnect);
    const action = { action: "start a process", id: this.id };
    const socket = await openSocket(this.#service, `${pathOf(this.id)}/exec`, query, action);
    const connection = new ExecConnection(socket);
    try {
      const whole = user === undefined ? argv : asRoot(userStage(user, argv, { hasHome: false }));
      await connection.send(carriedLine(whole));
      if (!stdin) await connection.endInput();
      return connection;
    } catch (error) {
      connection.disconnect();
      throw error;
    }
  }

  async destroy(): Promise<void> {
    await removeSprite(this.#service, this.id);
  }

  /** The vendor has no end for a sprite; whoever lists them next removes it. */
  async detach(ttlMs: number): Promise<void> {
    const endsAt = Date.now() + ttlMs;
    const labels = {
      ...this.labels,
      [ownLabels.endsAt]: String(endsAt),
      [ownLabels.expiresAt]: new Date(endsAt).toISOString(),
    };
    await this.#service.call({ action: "let go of a sprite", id: this.id }, (client) =>
      client.updateSprite(this.id, { labels: encodeLabels(labels) }),
    );
  }

  async isAlive(): Promise<boolean> {
    try {
      await this.#service.call({ action: "look for a sprite", id: this.id }, (client) =>
        client.getSprite(this.id),
      );
      return true;
    } catch (error) {
      if (SandboxAgentError.is(error, "sandbox_not_found")) return false;
      // What is only out of reach may live on, and keeps its own error.
      return true;
    }
  }
}

/** One that is gone already is fine. */
export async function removeSprite(service: Service, id: string): Promise<void> {
  try {
    await service.call({ action: "remove a sprite", id }, (client) => client.deleteSprite(id));
  } catch (error) {
    if (!SandboxAgentError.is(error, "sandbox_not_found")) throw error;
  }
}
