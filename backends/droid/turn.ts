import { outputInstructions, type AgentContentPart, type JsonObject, type TurnInput } from "../../src/kit.ts";

/** The running turn, as its host began it. It may take several runs of the agent. */
export class Turn {
  readonly input: TurnInput;
  isInterrupting = false;
  /** Requests whose messages the agent has not taken up yet. It may do so in a run of its own. */
  readonly #queued = new Set<string>();
  /** Why the agent came to rest; `undefined` while it runs. */
  restReason: string | undefined;
  /** What Droid said of an error; it tells before the run ends. */
  errorMessage: string | undefined;
  /** The structured output. */
  output: unknown;
  /** The schema was said in words, since Droid does not take it. */
  isSchemaInWords = false;

  constructor(input: TurnInput) {
    this.input = input;
  }

  /** The agent is at rest, and no message sets it going once more, which it would whatever it came to rest for. */
  get isOver(): boolean {
    return this.restReason !== undefined && (this.#queued.size === 0 || this.isInterrupting);
  }

  queue(requestId: string): void {
    this.#queued.add(requestId);
  }

  /** The message will not be taken up; without an id, none will. */
  discard(requestId: string | undefined): void {
    if (requestId === undefined) this.#queued.clear();
    else this.#queued.delete(requestId);
  }

  /** The agent takes a message up. Gives what went wrong before, which is not how the turn ends. */
  takeUp(requestId: string): string | undefined {
    if (!this.#queued.delete(requestId) || this.restReason === undefined) return undefined;
    this.restReason = undefined;
    const { errorMessage } = this;
    this.errorMessage = undefined;
    return errorMessage;
  }
}

/** The members of a message that carry what a turn is to say. */
export function messageFields(content: readonly AgentContentPart[]): JsonObject {
  const texts = content.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const images = content.flatMap((part) =>
    part.type === "image" ? [{ type: "base64", mediaType: part.mediaType, data: base64(part.data) }] : [],
  );
  return { text: texts.join("\n\n"), ...(images.length === 0 ? {} : { images }) };
}

/** The prompt, with the schema that its output has to follow. */
export function promptFields({ input: { content, outputSchema }, isSchemaInWords }: Turn): JsonObject {
  if (outputSchema === undefined) return messageFields(content);
  if (isSchemaInWords) {
    return messageFields([...content, { type: "text", text: outputInstructions(outputSchema) }]);
  }
  // Droid refuses a schema that names a draft which it does not know.
  const { $schema: _draft, ...schema } = outputSchema;
  return { ...messageFields(content), outputFormat: { type: "json_schema", schema } };
}

// `btoa` takes one character per byte, and a call takes a bounded number of arguments.
const chunkBytes = 0x8000;

function base64(data: Uint8Array): string {
  let characters = "";
  for (let start = 0; start < data.length; start += chunkBytes) {
    characters += String.fromCharCode(...data.subarray(start, start + chunkBytes));
  }
  return btoa(characters);
}
