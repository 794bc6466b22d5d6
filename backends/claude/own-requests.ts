import type { HostRequest, HostResponse, JsonObject } from "../../src/kit.ts";
import { requestLine } from "./wire.ts";

/** Requests to the CLI that wait for its answer, with the host's request behind each, where there is one. */
export class OwnRequests {
  readonly #open = new Map<string, HostRequest>();
  #count = 0;

  /** Returns the line to write. */
  send(request: JsonObject, of?: HostRequest): string {
    const requestId = `request-${++this.#count}`;
    if (of !== undefined) this.#open.set(requestId, of);
    return requestLine(requestId, request);
  }

  /** The host's request that this answers. */
  answered(requestId: string): HostRequest | undefined {
    const request = this.#open.get(requestId);
    this.#open.delete(requestId);
    return request;
  }

  /** The process ended: what is still open gets no answer. */
  abandon(): readonly HostResponse[] {
    const responses = [...this.#open.values()].map(({ id }) => ({
      id,
      error: "Claude Code ended before it answered.",
    }));
    this.#open.clear();
    return responses;
  }
}
