import type { SandboxRecord } from "./protocol.ts";
import { refusalOf, Refusal } from "./refusal.ts";
import type { RegistryNamespace, RegistryState } from "./runtime.ts";
import { isFields } from "./validation.ts";

/** What the Worker asks its registry for. */
export type RegistryCall =
  | { readonly kind: "add"; readonly record: SandboxRecord }
  | { readonly kind: "find"; readonly id: string }
  | { readonly kind: "ready"; readonly id: string; readonly cwd: string }
  | { readonly kind: "expire"; readonly id: string; readonly lifeMs: number; readonly isRenewal: boolean }
  | { readonly kind: "end"; readonly id: string }
  | {
      readonly kind: "list";
      readonly labels: { readonly [name: string]: string };
      /** The last id of the page before; empty: there was none. */
      readonly after: string;
      readonly limit: number;
    };

const prefix = "sandbox:";
/** When a sandbox could not be destroyed it is tried again. */
const retryMs = 30_000;

/**
 * A Durable Object that knows every sandbox of the bridge, and ends each when its time is over, also when nobody asks for
 * it any more. There is one.
 */
export class Registry {
  readonly #storage: RegistryState["storage"];
  readonly #destroy: (id: string) => Promise<void>;

  constructor(state: RegistryState, destroy: (id: string) => Promise<void>) {
    this.#storage = state.storage;
    this.#destroy = destroy;
  }

  async fetch(request: Request): Promise<Response> {
    try {
      const call = (await request.json()) as RegistryCall;
      return Response.json(await this.#answer(call));
    } catch (error) {
      const { status, message } = refusalOf(error, "look into the registry");
      return Response.json({ error: message }, { status });
    }
  }

  /** Called by the runtime, when the next sandbox may have to end. */
  async alarm(): Promise<void> {
    const now = Date.now();
    const due = (await this.#all()).filter(({ expiresAt }) => expiresAt <= now);
    await Promise.allSettled(due.map((record) => this.#end(record)));
    const left = await this.#all();
    if (left.length > 0) await this.#wakeAt(Math.min(...left.map(({ expiresAt }) => expiresAt)));
  }

  async #answer(call: RegistryCall): Promise<unknown> {
    switch (call.kind) {
      case "add":
        return this.#add(call.record);
      case "find":
        return this.#usable(call.id);
      case "ready": {
        const record = { ...(await this.#usable(call.id)), cwd: call.cwd, state: "running" as const };
        await this.#put(record);
        return record;
      }
      case "expire":
        return this.#expire(await this.#usable(call.id), call.lifeMs, call.isRenewal);
      case "end": {
        const record = await this.#get(call.id);
        if (record !== undefined) await this.#end(record);
        return {};
      }
      case "list":
        return this.#list(call.labels, call.after, call.limit);
    }
  }

  async #add(record: SandboxRecord): Promise<SandboxRecord> {
    if ((await this.#get(record.id)) !== undefined)
      throw new Refusal(409, `There is a sandbox ${record.id} already.`);
    await this.#put(record);
    return record;
  }

  async #expire(record: SandboxRecord, lifeMs: number, isRenewal: boolean): Promise<SandboxRecord> {
    const expiresAt = Date.now() + lifeMs;
    if (isRenewal && (record.hasFixedEnd || record.expiresAt >= expiresAt)) return record;
    const changed = { ...record, expiresAt };
    await this.#put(changed);
    return changed;
  }

  async #list(
    labels: { readonly [name: string]: string },
    after: string,
    limit: number,
  ): Promise<{ readonly sandboxes: readonly SandboxRecord[]; readonly after?: string }> {
    const page = await this.#storage.list({
      prefix,
      limit,
      ...(after === "" ? {} : { startAfter: `${prefix}${after}` }),
    });
    const wanted = Object.entries(labels);
    const sandboxes = [...page.values()]
      .filter(isRecord)
      .filter(({ state }) => state !== "ending")
      .filter((record) => wanted.every(([name, value]) => record.labels[name] === value));
    const last = [...page.keys()].at(-1);
    return {
      sandboxes,
      ...(page.size < limit || last === undefined ? {} : { after: last.slice(prefix.length) }),
    };
  }

  async #end(record: SandboxRecord): Promise<void> {
    // From now on nobody can use it, and the alarm makes sure that it ends.
    await this.#put({ ...record, state: "ending", expiresAt: Date.now() + retryMs });
    await this.#destroy(record.id);
    await this.#storage.delete(`${prefix}${record.id}`);
  }

  async #usable(id: string): Promise<SandboxRecord> {
    const record = await this.#get(id);
    if (record === undefined || record.state === "ending")
      throw new Refusal(404, `There is no sandbox ${id}.`);
    return record;
  }

  async #get(id: string): Promise<SandboxRecord | undefined> {
    const value = await this.#storage.get(`${prefix}${id}`);
    return isRecord(value) ? value : undefined;
  }

  async #put(record: SandboxRecord): Promise<void> {
    await this.#storage.put(`${prefix}${record.id}`, record);
    await this.#wakeAt(record.expiresAt);
  }

  async #wakeAt(time: number): Promise<void> {
    const before = await this.#storage.getAlarm();
    if (before === null || before > time) await this.#storage.setAlarm(time);
  }

  async #all(): Promise<readonly SandboxRecord[]> {
    return [...(await this.#storage.list({ prefix })).values()].filter(isRecord);
  }
}

/** Asks the one registry. @throws Refusal as it says. */
export async function askRegistry(namespace: RegistryNamespace, call: RegistryCall): Promise<unknown> {
  const registry = namespace.get(namespace.idFromName("registry"));
  const answer = await registry.fetch("https://registry/", { method: "POST", body: JSON.stringify(call) });
  const json: unknown = await answer.json();
  if (answer.ok) return json;
  const words = isFields(json) && typeof json["error"] === "string" ? json["error"] : "The registry failed.";
  throw new Refusal(answer.status, words);
}

export function isRecord(value: unknown): value is SandboxRecord {
  return (
    isFields(value) &&
    typeof value["id"] === "string" &&
    isFields(value["labels"]) &&
    typeof value["cwd"] === "string" &&
    typeof value["createdAt"] === "number" &&
    typeof value["expiresAt"] === "number" &&
    typeof value["hasFixedEnd"] === "boolean" &&
    typeof value["state"] === "string"
  );
}
