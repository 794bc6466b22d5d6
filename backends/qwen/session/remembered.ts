import type { AgentEventBody, HostAnswer, JsonObject } from "../../../src/kit.ts";
import { toolSubject } from "../tools.ts";

type Requested = Extract<AgentEventBody, { type: "permission.requested" }>;

/** Calls that the host allowed for the rest of the session. Qwen Code itself would write them into the project. */
export class RememberedCalls {
  readonly #allowed = new Set<string>();
  readonly #open = new Map<string, string>();

  clear(): void {
    this.#open.clear();
  }

  /** Whether the like of the call was allowed before. */
  knows({ requestId, tool }: Requested): boolean {
    const key = callKey(tool.name, tool.input);
    if (this.#allowed.has(key)) return true;
    this.#open.set(requestId, key);
    return false;
  }

  /** Takes in the host's answer; what is passed on does not have it remembered. */
  answered(answer: HostAnswer): HostAnswer {
    if (answer.type !== "permission" || answer.outcome !== "allow") return answer;
    const key = this.#open.get(answer.requestId);
    this.#open.delete(answer.requestId);
    if (key !== undefined && answer.remember === true) this.#allowed.add(key);
    return { type: "permission", requestId: answer.requestId, outcome: "allow" };
  }
}

function callKey(name: string, input: JsonObject): string {
  return JSON.stringify([name, toolSubject(input) ?? input]);
}
