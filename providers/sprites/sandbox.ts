import {
  type CanExpose,
  type CanOpenTerminal,
  type CanSetNetworkPolicy,
  type CanWatchFiles,
  type ExposedPort,
  type FileChange,
  type FileOptions,
  type NetworkPolicy,
  RemoteSandbox,
  type Sandbox,
  type Terminal,
  type TerminalOptions,
  abortable,
} from "../../src/kit.ts";
import { type SpriteCheckpoint, listCheckpoints, makeCheckpoint, restoreCheckpoint } from "./checkpoints.ts";
import { type SpriteFacts, SpriteMachine } from "./machine.ts";
import type { Service } from "./service.ts";
import { openTerminal } from "./terminal.ts";
import { Tunnels } from "./tunnel.ts";
import { watchFiles } from "./watch-files.ts";

/** What a sandbox of `sprites()` can do. */
export interface SpritesSandbox
  extends Sandbox, CanExpose, CanOpenTerminal, CanSetNetworkPolicy, CanWatchFiles {
  /**
   * The sprite's own address on the internet, which leads to its HTTP service; without the option `publicUrl` a request
   * needs the token.
   */
  readonly url: string | undefined;
  /** Keeps the files as they are now; processes go on. */
  checkpoint(options?: { readonly comment?: string }): Promise<SpriteCheckpoint>;
  /** Oldest first. */
  checkpoints(): Promise<readonly SpriteCheckpoint[]>;
  /** Puts the files back to a checkpoint of this sprite; all processes end. */
  restore(checkpointId: string): Promise<void>;
}

export class SpriteSandbox extends RemoteSandbox implements SpritesSandbox {
  readonly url: string | undefined;
  readonly #service: Service;
  readonly #env: { readonly [name: string]: string };
  readonly #tunnels: Tunnels;

  constructor(service: Service, facts: SpriteFacts & { readonly url: string | undefined }) {
    super(new SpriteMachine(service, facts));
    this.url = facts.url;
    this.#service = service;
    this.#env = facts.env;
    this.#tunnels = new Tunnels(service, facts.id);
  }

  async expose(port: number, options: FileOptions = {}): Promise<ExposedPort> {
    this.assertOpen();
    return abortable(this.#tunnels.expose(port), options.signal);
  }

  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    this.assertOpen();
    return openTerminal(this.#service, this, this.#env, options);
  }

  async setNetworkPolicy(policy: NetworkPolicy): Promise<void> {
    this.assertOpen();
    const action = { action: "set the network policy", id: this.id };
    await this.#service.call(action, (client) =>
      client.sprite(this.id).updateNetworkPolicy({ rules: rulesOf(policy) }),
    );
  }

  async *watch(path: string, options: FileOptions = {}): AsyncGenerator<FileChange> {
    this.assertOpen();
    const folder = path.startsWith("/") ? path : `${this.cwd}/${path}`;
    yield* watchFiles(this.#service, this.id, folder, options.signal);
  }

  async checkpoint(options: { readonly comment?: string } = {}): Promise<SpriteCheckpoint> {
    this.assertOpen();
    return makeCheckpoint(this.#service, this.id, options.comment);
  }

  async checkpoints(): Promise<readonly SpriteCheckpoint[]> {
    this.assertOpen();
    return listCheckpoints(this.#service, this.id);
  }

  async restore(checkpointId: string): Promise<void> {
    this.assertOpen();
    await restoreCheckpoint(this.#service, this.id, checkpointId);
  }

  override async detach(options: { readonly ttlMs: number }): Promise<void> {
    await super.detach(options);
    this.#tunnels.close();
  }

  override async destroy(): Promise<void> {
    this.#tunnels.close();
    return super.destroy();
  }
}

/** The first rule that fits a name decides. */
function rulesOf(policy: NetworkPolicy): { domain: string; action: "allow" | "deny" }[] {
  if (policy === "allow-all") return [{ domain: "*", action: "allow" }];
  const allowed = policy === "deny-all" ? [] : policy.allow;
  return [
    ...allowed.map((domain) => ({ domain, action: "allow" as const })),
    { domain: "*", action: "deny" },
  ];
}
