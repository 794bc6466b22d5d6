import type { HostRequest, HostResponse, JsonObject } from "../../src/kit.ts";
import { requestLine } from "./wire.ts";

/** What a request to the CLI is for: the host, or to learn how the MCP servers are doing. */
export type RequestPurpose = HostRequest | "servers";

/** Requests to the CLI that wait for its answer. */
export class OwnRequests {
  readonly #open = new Map<string, RequestPurpose>();
  #count = 0;

  /** Returns the line to write. Without a purpose the answer says nothing. */
  send(request: JsonObject, purpose?: RequestPurpose): string {
    const requestId = `request-${++this.#count}`;
    if (purpose !== undefined) this.#open.set(requestId, purpose);
    return requestLine(requestId, request);
  }

  /** What was asked for by the request that this answers. */
  answered(requestId: string): RequestPurpose | undefined {
    const purpose = this.#open.get(requestId);
    this.#open.delete(requestId);
    return purpose;
  }

  /** The process ended: what is still open gets no answer. */
  abandon(): readonly HostResponse[] {
    const responses = [...this.#open.values()].flatMap((purpose) =>
      purpose === "servers" ? [] : { id: purpose.id, error: "Claude Code ended before it answered." },
    );
    this.#open.clear();
    return responses;
  }
}
