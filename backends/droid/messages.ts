import { arrayField, numberField, stringField, type AgentEventBody, type JsonObject } from "../../src/kit.ts";

type Noun = "message" | "reasoning";

interface Block {
  readonly noun: Noun;
  /** Droid's own id of the answer that the block is a part of. */
  readonly answerId: string;
  readonly id: string;
  /** What was streamed of it. */
  text: string;
}

/** Makes messages of the pieces in which Droid tells an answer of the model. */
export class MessageReader {
  readonly #open = new Map<string, Block>();
  /** Blocks whose whole text was told. Droid tells the answer once more when it writes it down. */
  readonly #done = new Set<string>();
  /** How often answers were begun anew; Droid tells each attempt under the same id. */
  readonly #attempts = new Map<string, number>();

  /** What was not completed never will be. */
  reset(): void {
    this.#open.clear();
    this.#done.clear();
    this.#attempts.clear();
  }

  delta(notification: JsonObject, noun: Noun): readonly AgentEventBody[] {
    const text = stringField(notification, "textDelta") ?? "";
    if (text === "") return [];
    const answerId = stringField(notification, "messageId") ?? "";
    const block = this.#block(answerId, numberField(notification, "blockIndex") ?? 0, noun);
    block.text += text;
    return [{ type: `${noun}.delta`, messageId: block.id, text }];
  }

  /** A whole answer of the model. What was not streamed of it comes now. */
  written(message: JsonObject): readonly AgentEventBody[] {
    const answerId = stringField(message, "id") ?? "";
    const events: AgentEventBody[] = [];
    for (const [index, part] of arrayField(message, "content").entries()) {
      const type = stringField(part, "type");
      if (type !== "text" && type !== "thinking") continue;
      const noun = type === "text" ? "message" : "reasoning";
      this.#complete(answerId, index, noun, stringField(part, type) ?? "", events);
    }
    return events;
  }

  /** The answer broke off, and is asked for once more: what was told of it stands, the next attempt is another. */
  retracted(answerId: string): readonly AgentEventBody[] {
    const events: AgentEventBody[] = [];
    for (const [id, block] of this.#open) {
      if (block.answerId !== answerId) continue;
      this.#open.delete(id);
      this.#done.add(id);
      events.push(completed(block, block.text));
    }
    this.#attempts.set(answerId, (this.#attempts.get(answerId) ?? 1) + 1);
    return events;
  }

  /** The model is asked once more, so whatever it was saying broke off. */
  retried(): readonly AgentEventBody[] {
    const answerIds = new Set([...this.#open.values()].map(({ answerId }) => answerId));
    return [...answerIds].flatMap((answerId) => this.retracted(answerId));
  }

  #complete(answerId: string, index: number, noun: Noun, text: string, events: AgentEventBody[]): void {
    const id = this.#idOf(answerId, index);
    if (this.#done.has(id) || (text === "" && !this.#open.has(id))) return;
    const block = this.#block(answerId, index, noun);
    this.#open.delete(id);
    this.#done.add(id);
    if (text.length > block.text.length) {
      events.push({ type: `${noun}.delta`, messageId: id, text: text.slice(block.text.length) });
    }
    events.push(completed(block, text));
  }

  #block(answerId: string, index: number, noun: Noun): Block {
    const id = this.#idOf(answerId, index);
    const known = this.#open.get(id);
    if (known?.noun === noun) return known;
    const block: Block = { noun, answerId, id, text: "" };
    this.#open.set(id, block);
    return block;
  }

  /** An answer consists of blocks, each of which is a message or a thought of its own. */
  #idOf(answerId: string, index: number): string {
    const attempt = this.#attempts.get(answerId);
    const id = attempt === undefined ? answerId : `${answerId}.${String(attempt)}`;
    return index === 0 ? id : `${id}#${String(index)}`;
  }
}

function completed({ noun, id }: Block, text: string): AgentEventBody {
  return { type: `${noun}.completed`, messageId: id, text };
}
