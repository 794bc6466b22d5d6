import type { HostRequest, HostResponse, JsonObject } from "../../src/kit.ts";

/** What a command was sent for. */
export type Purpose =
  | { readonly type: "handshake" }
  | { readonly type: "prompt" }
  /** Asks whether the agent has come to rest. */
  | { readonly type: "rest"; readonly number: number }
  | { readonly type: "abort" }
  /** Loads the session again, which drops messages that wait. */
  | { readonly type: "reload" }
  | { readonly type: "steer"; readonly request: HostRequest }
  | { readonly type: "models"; readonly request: HostRequest }
  | { readonly type: "set_model"; readonly request: HostRequest };

/** Commands to Pi that wait for their response. */
export class Commands {
  readonly #open = new Map<string, Purpose>();
  #count = 0;

  /** Returns the line to write. */
  send(type: string, purpose: Purpose, fields: JsonObject = {}): string {
    const id = `playpen-${++this.#count}`;
    this.#open.set(id, purpose);
    return JSON.stringify({ id, type, ...fields });
  }

  /** What the response with this id is about. */
  answered(id: string | undefined): Purpose | undefined {
    if (id === undefined) return undefined;
    const purpose = this.#open.get(id);
    this.#open.delete(id);
    return purpose;
  }

  /** The process ended: what is still open gets no answer. */
  abandon(): readonly HostResponse[] {
    const responses = [...this.#open.values()].flatMap((purpose) =>
      "request" in purpose ? [{ id: purpose.request.id, error: "Pi ended before it answered." }] : [],
    );
    this.#open.clear();
    return responses;
  }
}
