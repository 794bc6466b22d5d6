import { objectField, stringField, type AgentEventBody, type JsonObject } from "../../../src/kit.ts";
import { parentCall } from "./updates.ts";

type Events = readonly AgentEventBody[];

interface Message {
  readonly noun: "message" | "reasoning";
  readonly messageId: string;
  readonly parentToolCallId: string;
  text: string;
}

/**
 * What sub-agents say. Qwen Code tells it in the agent's name; but while the call of a sub-agent runs, the agent itself
 * says nothing.
 */
export class SubAgents {
  /** The calls of sub-agents that run. */
  readonly #calls = new Set<string>();
  #message: Message | undefined;
  #count = 0;

  clear(): void {
    this.#calls.clear();
    this.#message = undefined;
  }

  /** The events of a text, where it is a sub-agent's. */
  text(update: JsonObject): Events | undefined {
    const [call] = this.#calls;
    const kind = update["sessionUpdate"];
    const text = stringField(objectField(update, "content"), "text") ?? "";
    if (call === undefined || text === "") return undefined;
    if (kind !== "agent_message_chunk" && kind !== "agent_thought_chunk") return undefined;
    const noun = kind === "agent_message_chunk" ? "message" : "reasoning";
    const ended = this.#message?.noun === noun ? [] : this.#end();
    this.#message ??= { noun, messageId: `sub-agent.${++this.#count}`, parentToolCallId: call, text: "" };
    this.#message.text += text;
    const { messageId, parentToolCallId } = this.#message;
    return [...ended, { type: `${noun}.delta`, messageId, text, parentToolCallId }];
  }

  /** Takes in any other update: the text that ends with it is told before. */
  other(update: JsonObject): Events {
    const toolCallId = stringField(update, "toolCallId");
    const status = stringField(update, "status");
    if (toolCallId === undefined) {
      // The figures of a request follow its answer.
      return parentCall(update) === undefined ? [] : this.#end();
    }
    if (status === "completed" || status === "failed") this.#calls.delete(toolCallId);
    else if (stringField(objectField(update, "_meta"), "toolName") === "agent") this.#calls.add(toolCallId);
    return this.#end();
  }

  #end(): Events {
    const message = this.#message;
    this.#message = undefined;
    if (message === undefined) return [];
    const { noun, ...rest } = message;
    return [{ type: `${noun}.completed`, ...rest }];
  }
}
