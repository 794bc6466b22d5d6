import {
  arrayField,
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
} from "../../src/kit.ts";

type Noun = "message" | "reasoning";

interface Block {
  readonly noun: Noun;
  readonly id: string;
  /** How much of its text was streamed. */
  sent: number;
}

/** Makes messages of the pieces in which Pi tells an answer of the model. Pi gives them no ids. */
export class MessageReader {
  #answers = 0;
  readonly #blocks = new Map<number, Block>();
  #texts = 0;
  #thoughts = 0;

  /** What was not completed never will be. Numbers go on: ids are not used twice in a session. */
  reset(): void {
    this.#blocks.clear();
  }

  /** The model begins an answer. */
  started(): void {
    this.#answers += 1;
    this.#blocks.clear();
    this.#texts = 0;
    this.#thoughts = 0;
  }

  /** An increment of the answer's text. Returns the id of the message that it belongs to. */
  extendText(index: number, text: string): string {
    return this.#extend(index, "message", text).id;
  }

  /** An increment of the answer; `undefined` for one that is told in other ways. */
  update(increment: JsonObject): AgentEventBody | undefined {
    const index = numberField(increment, "contentIndex") ?? 0;
    const delta = stringField(increment, "delta") ?? "";
    switch (increment["type"]) {
      case "text_delta":
        return this.#delta(index, "message", delta);
      case "thinking_delta":
        return this.#delta(index, "reasoning", delta);
      default:
        return undefined;
    }
  }

  /** The answer is complete, or broke off. What was not streamed of it comes now. */
  ended(message: JsonObject): readonly AgentEventBody[] {
    const events: AgentEventBody[] = [];
    for (const [index, part] of arrayField(message, "content").entries()) {
      const text = stringField(part, "text");
      const thinking = stringField(part, "thinking");
      const type = stringField(part, "type");
      if (type === "text" && text !== undefined) this.#complete(index, "message", text, events);
      else if (type === "thinking" && thinking !== undefined)
        this.#complete(index, "reasoning", thinking, events);
    }
    for (const block of this.#blocks.values()) events.push(completed(block, ""));
    this.#blocks.clear();
    return events;
  }

  #delta(index: number, noun: Noun, text: string): AgentEventBody | undefined {
    if (text === "") return undefined;
    return { type: `${noun}.delta`, messageId: this.#extend(index, noun, text).id, text };
  }

  #extend(index: number, noun: Noun, text: string): Block {
    let block = this.#blocks.get(index);
    if (block?.noun !== noun) block = this.#open(index, noun);
    block.sent += text.length;
    return block;
  }

  #complete(index: number, noun: Noun, text: string, events: AgentEventBody[]): void {
    let block = this.#blocks.get(index);
    if (block?.noun !== noun) {
      if (text === "") return;
      block = this.#open(index, noun);
    }
    this.#blocks.delete(index);
    if (text.length > block.sent) {
      events.push({ type: `${noun}.delta`, messageId: block.id, text: text.slice(block.sent) });
    }
    events.push(completed(block, text));
  }

  #open(index: number, noun: Noun): Block {
    const count = noun === "message" ? this.#texts++ : this.#thoughts++;
    const id = `answer-${this.#answers}${count === 0 ? "" : `#${count}`}`;
    const block: Block = { noun, id, sent: 0 };
    this.#blocks.set(index, block);
    return block;
  }
}

/** Without a text, the core completes the block with what was streamed of it. */
function completed({ noun, id }: Block, text: string): AgentEventBody {
  return { type: `${noun}.completed`, messageId: id, text };
}

/** The role of the message that an event is about. */
export function roleOf(event: JsonObject): string | undefined {
  return stringField(objectField(event, "message"), "role");
}
