import { randomUUID } from "node:crypto";
import { Answer, HttpError, type StandInRequest, type StandInServer } from "../kit/http-server.ts";
import { FileCopies } from "../kit/file-copies.ts";
import type { StandInMachine } from "../kit/machines.ts";

interface Kept {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly sourceSandboxId: string;
  /** Absent while it is being made. */
  files?: string;
}

/** Snapshots of sandboxes, each of which has a name of its own. */
export class Snapshots {
  readonly copies = new FileCopies();
  readonly #kept = new Map<string, Kept>();

  /** The names of those that there are. */
  get names(): readonly string[] {
    return [...this.#kept.values()].map(({ name }) => name);
  }

  /** The files of a snapshot that can be used; by its id or name. */
  filesOf(idOrName: string): string {
    const { files, name } = this.#found(idOrName);
    if (files === undefined) throw new HttpError(400, `Snapshot ${name} is pending`);
    return files;
  }

  /** Goes on after it has returned; resolves when the sandbox goes on. */
  begin(machine: StandInMachine, name: string): Promise<void> {
    if (!/^[A-Za-z0-9._:/-]+$/.test(name))
      throw new HttpError(400, "Snapshot name must contain only letters …");
    if (this.names.includes(name)) throw new HttpError(409, `Snapshot with name "${name}" already exists`);
    const kept: Kept = { id: randomUUID(), name, createdAt: Date.now(), sourceSandboxId: machine.id };
    this.#kept.set(kept.id, kept);
    return this.copies.make(machine.folder).then(
      (files) => {
        kept.files = files;
      },
      () => {
        this.#kept.delete(kept.id);
      },
    );
  }

  route(server: StandInServer): StandInServer {
    return server
      .route("GET", "/snapshots", ({ query }) => {
        const [page, limit] = [Number(query.get("page") ?? 1), Number(query.get("limit") ?? 100)];
        if (limit > 200) throw new HttpError(400, "limit must not be greater than 200");
        const all = [...this.#kept.values()];
        const items = all.slice((page - 1) * limit, page * limit).map(describe);
        return { items, total: all.length, page, totalPages: Math.ceil(all.length / limit) };
      })
      .route("GET", "/snapshots/:id", ({ parameters }) => describe(this.#found(parameters["id"] ?? "")))
      .route("DELETE", "/snapshots/:id", (request) => this.#remove(request));
  }

  stop(): Promise<void> {
    return this.copies.stop();
  }

  async #remove({ parameters }: StandInRequest): Promise<Answer> {
    const kept = this.#kept.get(parameters["id"] ?? "");
    if (kept === undefined) throw new HttpError(404, "Snapshot not found");
    this.#kept.delete(kept.id);
    if (kept.files !== undefined) await this.copies.remove(kept.files);
    return new Answer(200);
  }

  #found(idOrName: string): Kept {
    const kept = [...this.#kept.values()].find(({ id, name }) => id === idOrName || name === idOrName);
    if (kept === undefined) throw new HttpError(404, `Snapshot ${idOrName} not found`);
    return kept;
  }
}

function describe({ id, name, createdAt, sourceSandboxId, files }: Kept): object {
  return {
    ...{ id, name, sourceSandboxId },
    organizationId: "stand-in",
    general: false,
    state: files === undefined ? "pending" : "active",
    size: null,
    entrypoint: null,
    cpu: 1,
    gpu: 0,
    mem: 1,
    disk: 3,
    errorReason: null,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(createdAt).toISOString(),
    lastUsedAt: null,
  };
}
