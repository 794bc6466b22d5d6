/**
 * Builds the output of a long turn of Claude Code: messages of about a hundred text deltas, each with the whole
 * message after them, a tool call and its result. The lines are laid out once; only their ids change from message to
 * message, so that making them costs next to nothing beside reading them.
 */
const idMark = "@@@@@@@@";
const deltasPerMessage = 100;
/** Lines of a message beside its deltas. */
const frameLines = 13;

export const sessionId = "5f0c2a1e-7d1b-4a53-9c55-0d6e8a1b2c3d";

const words =
  "the agent reads a file and then it writes another one because tests fail when path is relative so we join with root before opening it “carefully” and run every check again".split(
    " ",
  );

const asciiWords = words.map((word) => word.replaceAll(/[^\0-\x7f]/g, "'"));

/** One message as bytes, with the places where its number goes. */
export class MessageTemplate {
  readonly lines: number;
  readonly #bytes: Buffer;
  readonly #marks: readonly number[];

  constructor(deltas: number, isAscii = false) {
    this.lines = deltas + frameLines;
    const lines = messageLines(deltas, isAscii ? asciiWords : words);
    if (lines.length !== this.lines) throw new Error(`A message has ${lines.length} lines.`);
    this.#bytes = Buffer.from(`${lines.join("\n")}\n`);
    const marks: number[] = [];
    for (let at = this.#bytes.indexOf(idMark); at !== -1; at = this.#bytes.indexOf(idMark, at + 1))
      marks.push(at);
    this.#marks = marks;
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  /** Writes the message with this number into `target` and returns the offset behind it. */
  copyTo(target: Buffer, offset: number, number: number): number {
    this.#bytes.copy(target, offset);
    const digits = Buffer.from(number.toString(16).padStart(idMark.length, "0"));
    for (const mark of this.#marks) target.set(digits, offset + mark);
    return offset + this.#bytes.length;
  }
}

/** The messages that make up `lines` lines: many alike, and a last one that fills up the rest. */
export function messagesFor(
  lines: number,
  isAscii: boolean,
): {
  readonly count: number;
  readonly last: MessageTemplate | undefined;
} {
  const whole = deltasPerMessage + frameLines;
  if (lines <= frameLines) return { count: 0, last: undefined };
  const count = Math.max(0, Math.floor(lines / whole) - 1);
  return { count, last: new MessageTemplate(lines - count * whole - frameLines, isAscii) };
}

/** Unless it is to be plain ASCII, each delta has two characters beyond Latin, as typographic quotes are. */
export function wholeMessage(isAscii = false): MessageTemplate {
  return new MessageTemplate(deltasPerMessage, isAscii);
}

function messageLines(deltas: number, vocabulary: readonly string[]): string[] {
  let line = 0;
  const common = (): object => ({
    session_id: sessionId,
    parent_tool_use_id: null,
    uuid: `8b7d917c-dd97-42c5-${(line++).toString(16).padStart(4, "0")}-0000${idMark}`,
  });
  const messageId = `msg_0123456789abcdef${idMark}`;
  const toolCallId = `toolu_0123456789abcdef${idMark}`;
  const command = "npm test --silent 2>&1 | tail -n 40";
  const usage = {
    input_tokens: 13,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 2048,
    output_tokens: 1,
  };
  const message = {
    id: messageId,
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5",
    content: [] as object[],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  const event = (body: object): string => JSON.stringify({ type: "stream_event", event: body, ...common() });
  const assistant = (content: object): string =>
    JSON.stringify({ type: "assistant", message: { ...message, content: [content] }, ...common() });

  const texts = Array.from({ length: deltas }, (_, index) => deltaText(index, vocabulary));
  const result = Array.from(
    { length: 12 },
    (_, index) => `ok ${index + 1} ${deltaText(index, vocabulary).slice(0, 60)}`,
  ).join("\n");
  const tool = { type: "tool_use", id: toolCallId, name: "Bash" };
  return [
    event({ type: "message_start", message }),
    event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    ...texts.map((text) =>
      event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
    ),
    assistant({ type: "text", text: texts.join("") }),
    event({ type: "content_block_stop", index: 0 }),
    event({ type: "content_block_start", index: 1, content_block: { ...tool, input: {} } }),
    ...['{"command":"npm test --silent', ' 2>&1 | tail -n 40"}'].map((json) =>
      event({
        type: "content_block_delta",
        index: 1,
        delta: { type: "input_json_delta", partial_json: json },
      }),
    ),
    assistant({ ...tool, input: { command } }),
    event({ type: "content_block_stop", index: 1 }),
    event({
      type: "message_delta",
      delta: { stop_reason: "tool_use", stop_sequence: null },
      usage: { ...usage, output_tokens: 180 },
    }),
    event({ type: "message_stop" }),
    JSON.stringify({
      type: "user",
      message: {
        role: "user",
        content: [{ tool_use_id: toolCallId, type: "tool_result", content: result, is_error: false }],
      },
      ...common(),
      tool_use_result: { stdout: result, stderr: "", interrupted: false, isImage: false },
    }),
    JSON.stringify({ type: "system", subtype: "status", status: "requesting", ...common() }),
  ];
}

/** Some 170 characters, other ones for each index. */
function deltaText(index: number, vocabulary: readonly string[]): string {
  const picked = Array.from(
    { length: 32 },
    (_, word) => vocabulary[(index * 7 + word * 5) % vocabulary.length],
  );
  const end = index % 10 === 9 ? ".\n\n" : " ";
  return `${picked.join(" ")}${end}`;
}
