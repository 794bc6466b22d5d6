import { arrayField, stringField, type AgentEventBody, type JsonObject } from "../../src/kit.ts";

interface OpenText {
  readonly messageId: string;
  text: string;
}

/**
 * Tells texts and reasoning. With partial output the CLI prints each text several times: in pieces, which have a time
 * alone; whole before a tool call, with the id of the model's call; and whole at the end, with neither. Once there were
 * pieces, only they are told.
 */
export class Messages {
  #count = 0;
  #message: OpenText | undefined;
  #reasoning: OpenText | undefined;
  #hasPieces = false;

  /** A new process. */
  reset(): void {
    this.#message = undefined;
    this.#reasoning = undefined;
    this.#hasPieces = false;
  }

  said(line: JsonObject): AgentEventBody[] {
    const text = arrayField(line["message"], "content")
      .map((part) => stringField(part, "text") ?? "")
      .join("");
    const isPiece = line["timestamp_ms"] !== undefined && line["model_call_id"] === undefined;
    if (isPiece) return text === "" ? [] : this.#piece(text);
    const ended = this.end();
    if (this.#hasPieces || text === "") return ended;
    return [...ended, { type: "message.completed", messageId: this.#nextId(), text }];
  }

  /** `undefined` for what is not known. */
  thought(line: JsonObject): AgentEventBody[] | undefined {
    switch (stringField(line, "subtype")) {
      case "delta": {
        const text = stringField(line, "text") ?? "";
        if (text === "") return [];
        const ended = this.#endMessage();
        this.#reasoning ??= { messageId: this.#nextId(), text: "" };
        this.#reasoning.text += text;
        return [...ended, { type: "reasoning.delta", messageId: this.#reasoning.messageId, text }];
      }
      case "completed":
        return this.#endReasoning();
      default:
        return undefined;
    }
  }

  /** Something else follows. */
  end(): AgentEventBody[] {
    return [...this.#endReasoning(), ...this.#endMessage()];
  }

  #piece(text: string): AgentEventBody[] {
    this.#hasPieces = true;
    const ended = this.#endReasoning();
    this.#message ??= { messageId: this.#nextId(), text: "" };
    this.#message.text += text;
    return [...ended, { type: "message.delta", messageId: this.#message.messageId, text }];
  }

  #endMessage(): AgentEventBody[] {
    const open = this.#message;
    this.#message = undefined;
    return open === undefined ? [] : [{ type: "message.completed", ...open }];
  }

  #endReasoning(): AgentEventBody[] {
    const open = this.#reasoning;
    this.#reasoning = undefined;
    return open === undefined ? [] : [{ type: "reasoning.completed", ...open }];
  }

  #nextId(): string {
    this.#count += 1;
    return `message-${String(this.#count)}`;
  }
}
