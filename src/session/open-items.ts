import type { AgentEventBody, BackendEventType } from "../spec/events.ts";
import { GrowingText } from "./growing-text.ts";

type BodyOf<Type extends BackendEventType> = Extract<AgentEventBody, { type: Type }>;
type TextNoun = "message" | "reasoning";
type Emit = (body: AgentEventBody) => void;

interface OpenText {
  readonly noun: TextNoun;
  readonly messageId: string;
  readonly parentToolCallId: string | undefined;
  readonly text: GrowingText;
}

/** Whole, since a name that is put together is a string of its own, which costs more to compare. */
const types = {
  message: { started: "message.started", delta: "message.delta", completed: "message.completed" },
  reasoning: { started: "reasoning.started", delta: "reasoning.delta", completed: "reasoning.completed" },
} as const;

/** A longer message ends here, and what follows is told by notices: a string cannot grow for ever. */
const maxTextLength = 128 * 1024 * 1024;

/**
 * What a turn has started and not yet completed. It makes the stream of a backend well-formed: what was never started
 * is started first, what is completed twice is dropped, deltas add up to the completed text, and what is still open
 * in the end is closed.
 */
export class OpenItems {
  readonly #texts = new Map<string, OpenText>();
  readonly #tools = new Set<string>();
  readonly #completed = new Set<string>();
  readonly #emit: Emit;
  /** The text that got the last delta: nearly always also the one that gets the next. */
  #latest: OpenText | undefined;
  #mainText = "";

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** The text of the main agent's last message, also when it is incomplete. */
  get text(): string {
    for (const item of this.#texts.values()) {
      if (item.noun === "message" && item.parentToolCallId === undefined && item.text.length > 0)
        return item.text.toString();
    }
    return this.#mainText;
  }

  /** Whether a tool call is open. */
  get hasTools(): boolean {
    return this.#tools.size > 0;
  }

  textStarted(noun: TextNoun, body: BodyOf<"message.started" | "reasoning.started">): void {
    this.#open(noun, body);
  }

  textDelta(noun: TextNoun, body: BodyOf<"message.delta" | "reasoning.delta">): void {
    if (body.text === "") return;
    const item = this.#open(noun, body);
    if (item === undefined) {
      const message = `Text for ${noun} ${body.messageId} came after its end: ${body.text}`;
      this.#emit({ type: "agent.notice", level: "warning", message });
      return;
    }
    if (item.text.length + body.text.length > maxTextLength) {
      this.#completeText(item);
      this.textDelta(noun, body);
      return;
    }
    item.text.add(body.text);
    this.#emit(body);
  }

  /** Adds to the message of the main agent that was the last to grow. `false`, and nothing done, where that is another. */
  extendText(messageId: string, text: string): boolean {
    const item = this.#latest;
    if (item?.messageId !== messageId || item.noun !== "message" || item.parentToolCallId !== undefined)
      return false;
    if (text === "" || item.text.length + text.length > maxTextLength) return false;
    item.text.add(text);
    return true;
  }

  textCompleted(noun: TextNoun, body: BodyOf<"message.completed" | "reasoning.completed">): void {
    const item = this.#open(noun, body);
    if (item === undefined) return;
    const streamed = item.text.toString();
    if (body.text !== streamed && body.text !== "") {
      if (body.text.startsWith(streamed)) {
        const text = body.text.slice(streamed.length);
        this.textDelta(
          noun,
          ofItem(item, { type: types[noun].delta, messageId: item.messageId, text }, body),
        );
      } else {
        this.#emit({
          type: "agent.notice",
          level: "warning",
          message: `The agent replaced the text of ${noun} ${item.messageId} after it had streamed another; the streamed text stands.`,
        });
      }
    }
    this.#completeText(item, body);
  }

  toolStarted(body: BodyOf<"tool.started">): void {
    if (this.#tools.has(body.toolCallId) || this.#completed.has(body.toolCallId)) return;
    this.#tools.add(body.toolCallId);
    this.#emit(body);
  }

  toolDelta(body: BodyOf<"tool.delta">): void {
    if (body.output === "" || !this.#ensureTool(body.toolCallId)) return;
    this.#emit(body);
  }

  toolCompleted(body: BodyOf<"tool.completed">): void {
    if (!this.#ensureTool(body.toolCallId)) return;
    this.#tools.delete(body.toolCallId);
    this.#completed.add(body.toolCallId);
    this.#emit(body);
  }

  /** Completes everything, tools with the given status. */
  close(toolStatus: "interrupted" | "error"): void {
    for (const item of [...this.#texts.values()]) this.#completeText(item);
    for (const toolCallId of [...this.#tools]) {
      this.toolCompleted({ type: "tool.completed", toolCallId, status: toolStatus, output: "" });
    }
  }

  #open(
    noun: TextNoun,
    body: { readonly messageId: string; readonly parentToolCallId?: string },
  ): OpenText | undefined {
    if (this.#latest?.messageId === body.messageId && this.#latest.noun === noun) return this.#latest;
    const key = `${noun} ${body.messageId}`;
    let item = this.#texts.get(key);
    if (item === undefined) {
      if (this.#completed.has(key)) return undefined;
      item = {
        noun,
        messageId: body.messageId,
        parentToolCallId: body.parentToolCallId,
        text: new GrowingText(),
      };
      this.#texts.set(key, item);
      this.#emit(ofItem(item, { type: types[noun].started, messageId: item.messageId }, body));
    }
    this.#latest = item;
    return item;
  }

  #completeText(item: OpenText, source: object = {}): void {
    const key = `${item.noun} ${item.messageId}`;
    if (!this.#texts.delete(key)) return;
    this.#completed.add(key);
    if (this.#latest === item) this.#latest = undefined;
    const text = item.text.toString();
    if (item.noun === "message" && item.parentToolCallId === undefined && text !== "") this.#mainText = text;
    const { noun, messageId } = item;
    this.#emit(ofItem(item, { type: types[noun].completed, messageId, text }, source));
  }

  #ensureTool(toolCallId: string): boolean {
    if (this.#tools.has(toolCallId)) return true;
    if (this.#completed.has(toolCallId)) return false;
    this.toolStarted({
      type: "tool.started",
      toolCallId,
      name: "unknown",
      kind: "other",
      title: "",
      input: {},
    });
    return true;
  }
}

/** Adds what only some events have: whose text it is, and the CLI's own object, which the host may have asked to see. */
function ofItem<Body extends AgentEventBody>(
  item: OpenText,
  body: Body & { parentToolCallId?: string; raw?: unknown },
  source: object,
): Body {
  if (item.parentToolCallId !== undefined) body.parentToolCallId = item.parentToolCallId;
  if ("raw" in source) body.raw = source.raw;
  return body;
}
