import { arrayField, objectField, stringField, type JsonObject } from "../../../src/kit.ts";
import type { Origin } from "./items.ts";

/** What a sub-agent was started by, and for which turn of the session's own thread. */
interface SubAgent {
  toolCallId?: string;
  rootTurnId?: string;
}

/**
 * Tells which turn a notification belongs to. Codex runs sub-agents as threads of their own over the same connection,
 * and lines of a turn that was interrupted may come after the next one has begun.
 */
export class Threads {
  #main: string | undefined;
  readonly #subAgents = new Map<string, SubAgent>();

  startProcess(): void {
    this.#main = undefined;
    this.#subAgents.clear();
  }

  get main(): string | undefined {
    return this.#main;
  }

  mainStarted(threadId: string): void {
    this.#main = threadId;
  }

  isMain(params: JsonObject): boolean {
    return stringField(params, "threadId") === this.#main;
  }

  origin(params: JsonObject): Origin {
    const threadId = stringField(params, "threadId");
    const toolCallId = threadId === undefined ? undefined : this.#subAgents.get(threadId)?.toolCallId;
    return toolCallId === undefined ? {} : { parentToolCallId: toolCallId };
  }

  /** Whether a notification is of the turn with that id, or of a sub-agent that works for it. */
  belongsTo(turnId: string | undefined, params: JsonObject): boolean {
    const threadId = stringField(params, "threadId");
    if (threadId === undefined) return true;
    if (threadId === this.#main) {
      const own = stringField(params, "turnId") ?? stringField(params["turn"], "id");
      return own === undefined || own === turnId;
    }
    return turnId !== undefined && this.#subAgents.get(threadId)?.rootTurnId === turnId;
  }

  turnStarted(params: JsonObject): void {
    const threadId = stringField(params, "threadId");
    const rootTurnId = stringField(params["turn"], "rootTurnId");
    if (threadId === undefined || threadId === this.#main || rootTurnId === undefined) return;
    this.#subAgent(threadId).rootTurnId = rootTurnId;
  }

  /** Learns from the items of the tools that start and end sub-agents. Returns the call of one that has ended. */
  item(item: JsonObject, turnId: string | undefined): string | undefined {
    const id = stringField(item, "id");
    if (id === undefined) return undefined;
    if (stringField(item, "type") === "collabAgentToolCall" && item["tool"] === "spawnAgent") {
      for (const threadId of arrayField(item, "receiverThreadIds")) {
        if (typeof threadId === "string") this.#learn(threadId, id, turnId);
      }
    }
    if (stringField(item, "type") !== "subAgentActivity") return undefined;
    const threadId = stringField(item, "agentThreadId") ?? "";
    switch (item["kind"]) {
      case "started":
        this.#learn(threadId, id, turnId);
        return undefined;
      case "completed":
      case "interrupted":
        return this.#subAgents.get(threadId)?.toolCallId;
      default:
        return undefined;
    }
  }

  #learn(threadId: string, toolCallId: string, turnId: string | undefined): void {
    const subAgent = this.#subAgent(threadId);
    subAgent.toolCallId = toolCallId;
    if (turnId !== undefined) subAgent.rootTurnId ??= turnId;
  }

  #subAgent(threadId: string): SubAgent {
    let subAgent = this.#subAgents.get(threadId);
    if (subAgent === undefined) {
      subAgent = {};
      this.#subAgents.set(threadId, subAgent);
    }
    return subAgent;
  }
}

/** The id of the turn that a response to `turn/start` tells. */
export function turnIdOf(result: unknown): string | undefined {
  return stringField(objectField(result, "turn"), "id");
}
