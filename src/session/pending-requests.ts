import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { deferred, settlesWithin, type Deferred } from "../kit/deferred.ts";
import type { HostResponse } from "../spec/backend.ts";

/** How long the CLI may take to answer a request of the host. */
const answerTimeoutMs = 30_000;

/** What the host asked of the CLI and is not yet answered. */
export class PendingRequests {
  readonly #open = new Map<string, Deferred<HostResponse>>();

  /** Sends a request and waits for its answer; rejects with the agent's words, or when none comes. */
  async ask(id: string, send: () => void): Promise<HostResponse> {
    const answer = deferred<HostResponse>();
    this.#open.set(id, answer);
    try {
      send();
      if (!(await settlesWithin(answer.promise, answerTimeoutMs))) {
        throw agentError(`The agent did not answer within ${String(answerTimeoutMs / 1000)} s.`);
      }
      return await answer.promise;
    } finally {
      this.#open.delete(id);
    }
  }

  settle(response: HostResponse): void {
    const answer = this.#open.get(response.id);
    if (response.error === undefined) answer?.resolve(response);
    else answer?.reject(agentError(response.error));
  }

  /** The process that should have answered is gone. */
  abandon(): void {
    const message = "The agent ended before it answered.";
    for (const answer of this.#open.values()) {
      answer.reject(new SandboxAgentError("agent_exited", message, { details: {} }));
    }
  }
}

export function agentError(message: string): SandboxAgentError<"agent_error"> {
  return new SandboxAgentError("agent_error", message, { details: {} });
}
