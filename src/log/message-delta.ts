import type { AgentEvent } from "../spec/events.ts";

type MessageDelta = Extract<AgentEvent, { type: "message.delta" }>;

type Constructor = new (
  seq: number,
  at: number,
  sessionId: string,
  turnId: string,
  messageId: string,
  text: string,
) => MessageDelta;

/**
 * Makes the increment of a text with its place in the log, in one piece: fields that are added to an object later are
 * kept apart from it, in more memory and more time.
 *
 * It is no object literal, because V8 watches what becomes of the objects that a literal makes. Those of the first
 * thousand events live as long as the history has room; from then on V8 would make all of them in the old generation,
 * to which hundreds of thousands of short-lived ones do not belong, and would compile everything around them once more.
 */
export const MessageDelta = function (
  this: { -readonly [Key in keyof MessageDelta]: MessageDelta[Key] },
  seq: number,
  at: number,
  sessionId: string,
  turnId: string,
  messageId: string,
  text: string,
) {
  this.type = "message.delta";
  this.seq = seq;
  this.at = at;
  this.sessionId = sessionId;
  this.turnId = turnId;
  this.messageId = messageId;
  this.text = text;
} as unknown as Constructor;

// For everybody else it is a plain object, as all events are.
Object.defineProperty(MessageDelta, "prototype", { value: Object.prototype });
