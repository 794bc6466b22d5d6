import type { AgentEventBody } from "../../spec/events.ts";
import type { AcpProfile } from "./profile.ts";

type Noun = "message" | "reasoning";

interface OpenText {
  readonly noun: Noun;
  readonly messageId: string;
  /** The agent's own id for the message, where it gives one. */
  readonly nativeId: string | undefined;
  text: string;
}

/**
 * Makes messages of chunks. The protocol does not say where a message ends: it ends where something else begins, which
 * is a chunk of another kind or of another message, a tool call, or the end of the turn.
 */
export class TextStream {
  readonly #wholeThoughts: boolean;
  #prefix = "";
  #count = 0;
  #open: OpenText | undefined;
  #lastMessage = "";

  constructor({ wholeThoughts }: AcpProfile) {
    this.#wholeThoughts = wholeThoughts ?? false;
  }

  /** What the agent said since `begin`: its last message, as far as it has come. */
  get lastMessage(): string {
    return this.#open?.noun === "message" ? this.#open.text : this.#lastMessage;
  }

  /** Begins a turn. `prefix` makes the ids of its messages unique. */
  begin(prefix: string): void {
    this.#prefix = prefix;
    this.#count = 0;
    this.#open = undefined;
    this.#lastMessage = "";
  }

  chunk(noun: Noun, text: string, nativeId: string | undefined): readonly AgentEventBody[] {
    if (text === "") return [];
    const open = this.#open;
    const events = open?.noun === noun && open.nativeId === nativeId ? [] : this.close();
    this.#open ??= { noun, messageId: `${this.#prefix}.${++this.#count}`, nativeId, text: "" };
    this.#open.text += text;
    const delta: AgentEventBody = { type: `${noun}.delta`, messageId: this.#open.messageId, text };
    const isWhole = noun === "reasoning" && this.#wholeThoughts;
    return [...events, delta, ...(isWhole ? this.close() : [])];
  }

  /** Completes what is open. */
  close(): AgentEventBody[] {
    const open = this.#open;
    if (open === undefined) return [];
    this.#open = undefined;
    if (open.noun === "message") this.#lastMessage = open.text;
    return [{ type: `${open.noun}.completed`, messageId: open.messageId, text: open.text }];
  }
}
