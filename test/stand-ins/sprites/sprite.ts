import { randomUUID } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { WebSocket } from "ws";
import { type FileCopies, copyFolder } from "../kit/file-copies.ts";
import type { Fleet } from "../kit/fleet.ts";
import type { StandInMachine } from "../kit/machines.ts";

interface Checkpoint {
  readonly id: string;
  readonly comment: string | undefined;
  readonly createdAt: number;
  readonly folder: string;
}

export interface SpriteState {
  labels: readonly string[];
  auth: "sprite" | "public";
}

/** One sprite of the stand-in. */
export class Sprite {
  readonly name: string;
  readonly machine: StandInMachine;
  readonly settings: SpriteState;
  readonly sockets = new Set<WebSocket>();
  readonly checkpoints: Checkpoint[] = [];
  readonly #copies: FileCopies;
  rules: readonly unknown[] = [{ include: "defaults" }];
  readonly #id = randomUUID();

  private constructor(
    name: string,
    machine: StandInMachine,
    settings: Partial<SpriteState>,
    copies: FileCopies,
  ) {
    this.name = name;
    this.machine = machine;
    this.#copies = copies;
    this.settings = { labels: [], auth: "sprite", ...settings };
  }

  /** Its machine and its checkpoints are among those of the service. */
  static async create(
    name: string,
    settings: Partial<SpriteState>,
    { fleet, copies }: { readonly fleet: Fleet; readonly copies: FileCopies },
  ): Promise<Sprite> {
    return new Sprite(name, await fleet.create(), settings, copies);
  }

  describe(url: string): object {
    const at = new Date(this.machine.createdAt).toISOString();
    return {
      id: this.#id,
      name: this.name,
      organization: "stand-in",
      status: this.sockets.size > 0 ? "running" : "warm",
      url: `${url}/${this.name}`,
      url_settings: { auth: this.settings.auth },
      labels: this.settings.labels,
      created_at: at,
      updated_at: at,
    };
  }

  async checkpoint(comment: string | undefined): Promise<string> {
    const folder = await this.#copies.make(this.machine.folder);
    const id = `v${this.checkpoints.length + 1}`;
    this.checkpoints.push({ id, comment, createdAt: Date.now(), folder });
    return id;
  }

  /** The machine is started anew with the files of then. */
  async restore(id: string): Promise<void> {
    const checkpoint = this.checkpoints.find((each) => each.id === id);
    if (checkpoint === undefined) return;
    for (const socket of this.sockets) socket.terminate();
    await this.machine.endProcesses();
    const { folder } = this.machine;
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
    await copyFolder(checkpoint.folder, folder);
  }

  async destroy(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    await this.machine.destroy();
    for (const { folder } of this.checkpoints) await this.#copies.remove(folder);
  }
}
