import type { HostRequest, JsonObject } from "../../src/kit.ts";
import type { Turn } from "./turn.ts";

/** The version of the protocol that every line names. */
const factoryApiVersion = "1.0.0";

/** What a request to the CLI was made for. */
export type Purpose =
  | { readonly type: "handshake"; readonly step: string }
  | { readonly type: "prompt" }
  | { readonly type: "steer"; readonly request: HostRequest; readonly turn: Turn }
  | { readonly type: "interrupt" }
  | { readonly type: "set_model"; readonly request: HostRequest; readonly model: string }
  | { readonly type: "list_models"; readonly request: HostRequest };

/** The requests to one process of the CLI. Droid numbers nothing: ids are texts, and every line tells its type. */
export class Requests {
  #count = 0;
  readonly #open = new Map<string, Purpose>();

  /** The id of the latest request. Ids are not used twice in a session. */
  get lastId(): string {
    return `playpen-${String(this.#count)}`;
  }

  /** The line of a request. */
  send(method: string, params: JsonObject, purpose: Purpose): string {
    this.#count += 1;
    const id = this.lastId;
    this.#open.set(id, purpose);
    return JSON.stringify({ ...envelope("request", id), method: `droid.${method}`, params });
  }

  /** What the request with this id was made for; `undefined` when there is none that waits. */
  answered(id: string): Purpose | undefined {
    const purpose = this.#open.get(id);
    this.#open.delete(id);
    return purpose;
  }

  /** The process is gone: what was asked is not answered any more. Gives what the host still waits for. */
  abandon(): readonly HostRequest[] {
    const requests = [...this.#open.values()].flatMap((purpose) =>
      "request" in purpose ? [purpose.request] : [],
    );
    this.#open.clear();
    return requests;
  }
}

/** The answer to a request of the CLI's. */
export function responseLine(id: string, result: JsonObject): string {
  return JSON.stringify({ ...envelope("response", id), result });
}

/** The answer to a request that is not understood. */
export function refusalLine(id: string, method: string): string {
  const error = { code: -32601, message: `The method ${method} is not known here.` };
  return JSON.stringify({ ...envelope("response", id), error });
}

function envelope(type: "request" | "response", id: string): JsonObject {
  return { jsonrpc: "2.0", factoryApiVersion, type, id };
}
