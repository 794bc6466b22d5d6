import type { AgentEventBody, JsonObject } from "../../src/kit.ts";
import type { OwnRequests } from "./own-requests.ts";
import type { SessionFacts } from "./session-facts.ts";

const pollMs = 2_000;

/**
 * Learns of MCP servers that fail, and why. The CLI lists its servers only when a turn begins, then without a reason, and
 * says nothing of those which come up or fail later: it has to be asked.
 */
export class ServerWatch {
  readonly #facts: SessionFacts;
  readonly #requests: OwnRequests;

  constructor(facts: SessionFacts, requests: OwnRequests) {
    this.#facts = facts;
    this.#requests = requests;
  }

  /** The line to ask with, where there is something to learn. */
  question(): readonly string[] {
    return this.#facts.hasOpenServers ? [this.#requests.send({ subtype: "mcp_status" }, "servers")] : [];
  }

  /** Takes in the answer. With `askAgainMs` it is not the last word. */
  answered(response: JsonObject): { readonly event?: AgentEventBody; readonly askAgainMs?: number } {
    const event = this.#facts.setServers(response);
    return {
      ...(event === undefined ? {} : { event }),
      ...(this.#facts.hasPendingServers ? { askAgainMs: pollMs } : {}),
    };
  }
}
