import { arrayField, numberField, stringField, type AgentEventBody, type JsonObject } from "../../src/kit.ts";

type Noun = "message" | "reasoning";

interface Block {
  readonly noun: Noun;
  readonly id: string;
  /** How much of its text was streamed. */
  sent: number;
}

/** Makes messages of the pieces in which Droid tells an answer of the model. */
export class MessageReader {
  readonly #open = new Map<string, Block>();
  /** Blocks whose whole text was told. Droid tells the answer once more when it writes it down. */
  readonly #done = new Set<string>();

  /** What was not completed never will be. */
  reset(): void {
    this.#open.clear();
    this.#done.clear();
  }

  delta(notification: JsonObject, noun: Noun): readonly AgentEventBody[] {
    const text = stringField(notification, "textDelta") ?? "";
    if (text === "") return [];
    const block = this.#block(blockId(notification), noun);
    block.sent += text.length;
    return [{ type: `${noun}.delta`, messageId: block.id, text }];
  }

  /** A whole answer of the model. What was not streamed of it comes now. */
  written(message: JsonObject): readonly AgentEventBody[] {
    const messageId = stringField(message, "id") ?? "";
    const events: AgentEventBody[] = [];
    for (const [index, part] of arrayField(message, "content").entries()) {
      const type = stringField(part, "type");
      const id = idOf(messageId, index);
      if (type === "text") this.#complete(id, "message", stringField(part, "text") ?? "", events);
      else if (type === "thinking")
        this.#complete(id, "reasoning", stringField(part, "thinking") ?? "", events);
    }
    return events;
  }

  /** The answer broke off, and is asked for once more: what was told of it stands. */
  retracted(messageId: string): readonly AgentEventBody[] {
    const events: AgentEventBody[] = [];
    for (const [id, block] of this.#open) {
      if (id !== messageId && !id.startsWith(`${messageId}#`)) continue;
      this.#open.delete(id);
      this.#done.add(id);
      events.push(completed(block, ""));
    }
    return events;
  }

  #complete(id: string, noun: Noun, text: string, events: AgentEventBody[]): void {
    if (this.#done.has(id) || (text === "" && !this.#open.has(id))) return;
    const block = this.#block(id, noun);
    this.#open.delete(id);
    this.#done.add(id);
    if (text.length > block.sent) {
      events.push({ type: `${noun}.delta`, messageId: id, text: text.slice(block.sent) });
    }
    events.push(completed(block, text));
  }

  #block(id: string, noun: Noun): Block {
    const known = this.#open.get(id);
    if (known?.noun === noun) return known;
    const block: Block = { noun, id, sent: 0 };
    this.#open.set(id, block);
    return block;
  }
}

/** Without a text, the core completes the block with what was streamed of it. */
function completed({ noun, id }: Block, text: string): AgentEventBody {
  return { type: `${noun}.completed`, messageId: id, text };
}

function blockId(notification: JsonObject): string {
  return idOf(stringField(notification, "messageId") ?? "", numberField(notification, "blockIndex") ?? 0);
}

/** An answer consists of blocks, each of which is a message or a thought of its own. */
function idOf(messageId: string, index: number): string {
  return index === 0 ? messageId : `${messageId}#${String(index)}`;
}
