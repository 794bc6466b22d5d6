import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { SandboxAgentError, type Snapshot, type SnapshotStore } from "../../src/kit.ts";
import { type DaytonaHandle, type DaytonaService, providerName, statusOf } from "./daytona-service.ts";

const pollMs = 500;
const pageSize = 100;

/**
 * The vendor's snapshots have one name each, by which sandboxes are made of them, and which is the id here. It is made up
 * by the library; what the snapshot is to be found by stands at its end.
 */
export class DaytonaSnapshots implements SnapshotStore {
  readonly #service: DaytonaService;

  constructor(service: DaytonaService) {
    this.#service = service;
  }

  async take(handle: DaytonaHandle, name: string | undefined): Promise<Snapshot> {
    const id = `${prefix}${randomUUID()}${name === undefined ? "" : `-${name}`}`;
    const { settings } = this.#service;
    const deadline = performance.now() + settings.createTimeoutMs;
    try {
      await this.#service.call({ action: "make a snapshot", id: handle.id }, async () => {
        await handle.createSnapshot(id, settings.createTimeoutMs / 1000);
        await this.#settled(id, deadline);
      });
    } catch (error) {
      await this.remove(id).catch(() => undefined);
      throw error;
    }
    return { id };
  }

  async find(name: string): Promise<Snapshot | undefined> {
    const client = await this.#service.client();
    return this.#service.call({ action: "list snapshots" }, async () => {
      let newest: { readonly id: string; readonly createdAt: number } | undefined;
      for (let page = 1; ; page++) {
        const { items, totalPages } = await client.snapshot.list({ page, limit: pageSize });
        for (const { name: id, createdAt } of items) {
          const at = new Date(createdAt).getTime();
          if (givenName(id) === name && at >= (newest?.createdAt ?? 0)) newest = { id, createdAt: at };
        }
        if (page >= totalPages) return newest && { id: newest.id };
      }
    });
  }

  async remove(id: string): Promise<void> {
    const client = await this.#service.client();
    await this.#service.call({ action: "remove a snapshot" }, async () => {
      await client.snapshot.delete(id).catch((error: unknown) => {
        if (statusOf(error) !== 404) throw error;
      });
    });
  }

  /** The sandbox goes on before the snapshot can be used. */
  async #settled(id: string, deadline: number): Promise<void> {
    const client = await this.#service.client();
    for (;;) {
      const { state, errorReason } = await client.snapshot.get(id);
      if (state === "active") return;
      const isLate = performance.now() > deadline;
      if (isLate || state === "error" || state === "build_failed" || state === "inactive") {
        const why = errorReason ?? (isLate ? "it took too long" : `its state is ${state}`);
        throw new SandboxAgentError("provider_failed", `daytona made no snapshot: ${why}`, {
          details: { provider: providerName },
        });
      }
      await delay(pollMs);
    }
  }
}

const prefix = "playpen-";
const uuidLength = 36;

/** `undefined` for a snapshot that is not this library's, or has no name. */
function givenName(id: string): string | undefined {
  const begin = prefix.length + uuidLength;
  return id.startsWith(prefix) && id[begin] === "-" ? id.slice(begin + 1) : undefined;
}
