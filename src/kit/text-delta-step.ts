import type { Step } from "../spec/backend.ts";
import type { AgentEventBody } from "../spec/events.ts";
import { parseJson } from "./json.ts";

/**
 * The step of a line that is an increment of the main agent's answer and nothing else, for protocols that recognize
 * such lines without parsing them. Nearly all lines of a long turn are of this kind: the core takes `messageId` and
 * `text` as they are, and asks for `events` and `raw` only where somebody wants to see them.
 *
 * @example
 * push(line: string): Step {
 *   const text = deltaText(line);
 *   if (text !== undefined) return new TextDeltaStep(this.#messageId, text, line);
 *   …
 * }
 */
export class TextDeltaStep implements Step {
  readonly #messageId: string;
  readonly #text: string;
  readonly #line: string;

  /** @param text - Not empty. */
  constructor(messageId: string, text: string, line: string) {
    this.#messageId = messageId;
    this.#text = text;
    this.#line = line;
  }

  get messageId(): string {
    return this.#messageId;
  }

  get text(): string {
    return this.#text;
  }

  get events(): readonly AgentEventBody[] {
    return [{ type: "message.delta", messageId: this.#messageId, text: this.#text }];
  }

  get raw(): unknown {
    return parseJson(this.#line);
  }
}
