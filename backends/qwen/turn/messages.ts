import {
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type TurnErrorInfo,
} from "../../../src/kit.ts";
import { failureInText } from "../failures.ts";

type Events = readonly AgentEventBody[];
type Noun = "message" | "reasoning";

interface Block {
  readonly noun: Noun;
  readonly id: string;
  sent: string;
  /** What looks like an error of the API: words of the agent's only if more of them follow. */
  held: string;
}

/** Makes events of what the agent says and thinks: as deltas, and once more whole where there were none. */
export class MessageReader {
  #messageId = "";
  #blocks = 0;
  #open: Block | undefined;
  /** The whole of a block that was streamed comes behind its end. */
  #streamed = false;
  #failure: TurnErrorInfo | undefined;
  #text = "";

  /** What the last message said. */
  get text(): string {
    return this.#text;
  }

  /** The error of the API that the last message ended with. */
  get failure(): TurnErrorInfo | undefined {
    return this.#failure;
  }

  startProcess(): void {
    this.#failure = undefined;
    this.#text = "";
    this.#messageId = "";
    this.#blocks = 0;
    this.#open = undefined;
    this.#streamed = false;
  }

  /** Takes in the `event` of a `stream_event` of the main agent. */
  stream(event: JsonObject): Events {
    switch (stringField(event, "type")) {
      case "message_start":
        this.#failure = undefined;
        this.#text = "";
        this.#messageId = stringField(objectField(event, "message"), "id") ?? "";
        this.#blocks = 0;
        return this.#close();
      case "content_block_start":
        return [...this.#close(), ...this.#begin(event)];
      case "content_block_delta":
        return this.#delta(objectField(event, "delta"));
      case "content_block_stop":
        return this.#close();
      default:
        return [];
    }
  }

  /** Takes in one part of a whole message. */
  whole(part: unknown, parentToolCallId: string | undefined, uuid: string): Events {
    const type = stringField(part, "type");
    const noun = type === "text" ? "message" : type === "thinking" ? "reasoning" : undefined;
    const text = stringField(part, type === "text" ? "text" : "thinking") ?? "";
    if (noun === undefined) return [];
    const wasStreamed = this.#streamed && parentToolCallId === undefined;
    if (parentToolCallId === undefined) this.#streamed = false;
    if (wasStreamed || text === "" || failureInText(text) !== undefined) return [];
    const parent = parentToolCallId === undefined ? {} : { parentToolCallId };
    return [{ type: `${noun}.completed`, messageId: uuid, text, ...parent }];
  }

  #begin(event: JsonObject): Events {
    const type = stringField(objectField(event, "content_block"), "type");
    if (type !== "text" && type !== "thinking") return [];
    // Its own numbers begin anew with each kind.
    const place = this.#blocks++;
    const noun = type === "text" ? "message" : "reasoning";
    this.#open = { noun, id: `${this.#messageId}#${place}`, sent: "", held: "" };
    return [];
  }

  #delta(delta: JsonObject): Events {
    const block = this.#open;
    const text = stringField(delta, "text") ?? stringField(delta, "thinking") ?? "";
    if (block === undefined || text === "") return [];
    this.#streamed = true;
    const told = `${block.held}${text}`;
    // Errors are written whole, behind what there was of the answer.
    const isError = block.held === "" && failureInText(text) !== undefined;
    block.held = isError ? text : "";
    if (isError) return [];
    block.sent += told;
    if (block.noun === "message") this.#text += told;
    return [{ type: `${block.noun}.delta`, messageId: block.id, text: told }];
  }

  #close(): Events {
    const block = this.#open;
    this.#open = undefined;
    if (block === undefined) return [];
    this.#failure = failureInText(block.held);
    if (block.sent === "") return [];
    return [{ type: `${block.noun}.completed`, messageId: block.id, text: block.sent }];
  }
}
