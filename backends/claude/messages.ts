import {
  arrayField,
  isJsonObject,
  stringField,
  type AgentEventBody,
  type JsonObject,
} from "../../src/kit.ts";

type Noun = "message" | "reasoning";

/** A block of text that is being streamed. Its text is kept by the core; here its length is enough. */
interface Block {
  readonly noun: Noun;
  readonly id: string;
  sent: number;
}

/** The main agent or one sub-agent. */
interface Speaker {
  readonly parent: string | undefined;
  messageId: string;
  messages: number;
  reasonings: number;
  open: Block | undefined;
}

/**
 * Makes events of what the agent says and thinks. Text comes in twice: as deltas, and once more whole when a block is
 * complete. The whole text is the truth: what the deltas lacked, which is all of it for sub-agents, is added.
 */
export class MessageReader {
  readonly #main: Speaker = newSpeaker(undefined);
  readonly #subagents = new Map<string, Speaker>();

  /** A new process: nothing that the last one began will be completed. */
  reset(): void {
    Object.assign(this.#main, newSpeaker(undefined));
    this.#subagents.clear();
  }

  /** The sub-agent of this tool call has ended. */
  forget(toolCallId: string): void {
    this.#subagents.delete(toolCallId);
  }

  /** The delta of a `content_block_delta`, or `undefined` when it carries no text. */
  delta(line: JsonObject, delta: unknown): AgentEventBody | undefined {
    if (!isJsonObject(delta)) return undefined;
    const type = delta["type"];
    const noun = type === "text_delta" ? "message" : type === "thinking_delta" ? "reasoning" : undefined;
    if (noun === undefined) return undefined;
    const text = noun === "message" ? delta["text"] : delta["thinking"];
    if (typeof text !== "string" || text === "") return undefined;
    const speaker = this.#speaker(line["parent_tool_use_id"]);
    return textDelta(speaker, extend(speaker, noun, text), text);
  }

  /** A delta of the main agent's answer. Returns the id of the message that it belongs to. */
  extendMain(text: string): string {
    return extend(this.#main, "message", text).id;
  }

  /** Any other part of a stream: only beginnings matter. */
  boundary(line: JsonObject, event: JsonObject, events: AgentEventBody[]): void {
    const speaker = this.#speaker(line["parent_tool_use_id"]);
    if (event["type"] === "message_start") {
      const message = event["message"];
      beginMessage(speaker, stringField(message, "id") ?? "", events);
    } else if (event["type"] === "content_block_start") {
      closeBlock(speaker, events);
      const type = stringField(event["content_block"], "type");
      if (type === "text") openBlock(speaker, "message");
      if (type === "thinking") openBlock(speaker, "reasoning");
    }
  }

  /** A whole message, or a whole block of one. */
  snapshot(line: JsonObject, message: JsonObject, events: AgentEventBody[]): void {
    const speaker = this.#speaker(line["parent_tool_use_id"]);
    const id = stringField(message, "id") ?? "";
    if (speaker.messageId !== id) beginMessage(speaker, id, events);
    for (const content of arrayField(message, "content")) {
      const type = stringField(content, "type");
      if (type === "text") completeBlock(speaker, "message", stringField(content, "text"), events);
      if (type === "thinking") completeBlock(speaker, "reasoning", stringField(content, "thinking"), events);
    }
  }

  #speaker(parent: unknown): Speaker {
    if (typeof parent !== "string") return this.#main;
    let speaker = this.#subagents.get(parent);
    if (speaker === undefined) {
      speaker = newSpeaker(parent);
      this.#subagents.set(parent, speaker);
    }
    return speaker;
  }
}

function newSpeaker(parent: string | undefined): Speaker {
  return { parent, messageId: "", messages: 0, reasonings: 0, open: undefined };
}

function beginMessage(speaker: Speaker, id: string, events: AgentEventBody[]): void {
  closeBlock(speaker, events);
  speaker.messageId = id;
  speaker.messages = 0;
  speaker.reasonings = 0;
}

function extend(speaker: Speaker, noun: Noun, text: string): Block {
  let block = speaker.open;
  if (block?.noun !== noun) block = openBlock(speaker, noun);
  block.sent += text.length;
  return block;
}

/** A message of the API may hold several texts; the first one bears the message's own id. */
function openBlock(speaker: Speaker, noun: Noun): Block {
  const count = noun === "message" ? speaker.messages++ : speaker.reasonings++;
  const base = speaker.messageId === "" ? "unnamed" : speaker.messageId;
  const id = count === 0 ? base : `${base}#${count}`;
  speaker.open = { noun, id, sent: 0 };
  return speaker.open;
}

/** Ends a block whose whole text never came, since its stream broke off. */
function closeBlock(speaker: Speaker, events: AgentEventBody[]): void {
  const block = speaker.open;
  speaker.open = undefined;
  if (block !== undefined && block.sent > 0) events.push(textCompleted(speaker, block, ""));
}

function completeBlock(
  speaker: Speaker,
  noun: Noun,
  text: string | undefined,
  events: AgentEventBody[],
): void {
  const block = speaker.open?.noun === noun ? speaker.open : openBlock(speaker, noun);
  speaker.open = undefined;
  if (text === undefined || text === "") {
    if (block.sent > 0) events.push(textCompleted(speaker, block, ""));
    return;
  }
  if (text.length > block.sent) events.push(textDelta(speaker, block, text.slice(block.sent)));
  events.push(textCompleted(speaker, block, text));
}

function textDelta(speaker: Speaker, block: Block, text: string): AgentEventBody {
  const type = block.noun === "message" ? "message.delta" : "reasoning.delta";
  return speaker.parent === undefined
    ? { type, messageId: block.id, text }
    : { type, messageId: block.id, parentToolCallId: speaker.parent, text };
}

/** Without a text, the core completes the block with what was streamed of it. */
function textCompleted(speaker: Speaker, block: Block, text: string): AgentEventBody {
  const type = block.noun === "message" ? "message.completed" : "reasoning.completed";
  return speaker.parent === undefined
    ? { type, messageId: block.id, text }
    : { type, messageId: block.id, parentToolCallId: speaker.parent, text };
}
