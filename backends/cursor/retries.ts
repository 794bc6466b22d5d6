import { numberField, stringField, type AgentEventBody, type JsonObject } from "../../src/kit.ts";

/**
 * Tells attempts to go on after a failure, each once: where the connection was lost, a line about the connection comes
 * before the one about the retry, with the same number.
 */
export class Retries {
  #told: number | undefined;

  /** A new process. */
  reset(): void {
    this.#told = undefined;
  }

  /** `undefined` for what is not known. */
  connection(line: JsonObject): AgentEventBody[] | undefined {
    switch (stringField(line, "subtype")) {
      case "reconnecting":
        this.#told = attemptOf(line);
        return [
          { type: "agent.retrying", attempt: this.#told, reason: "network", message: "Connection lost." },
        ];
      case "reconnected":
        this.#told = undefined;
        return [];
      default:
        return undefined;
    }
  }

  retry(line: JsonObject): AgentEventBody[] {
    const attempt = attemptOf(line);
    if (attempt === this.#told) return [];
    this.#told = attempt;
    return [{ type: "agent.retrying", attempt, reason: "other" }];
  }
}

function attemptOf(line: JsonObject): number {
  return Math.max(1, Math.trunc(numberField(line, "attempt") ?? 1));
}
