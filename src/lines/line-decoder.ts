import { isAscii } from "node:buffer";
import type { Redactor } from "../errors/redactor.ts";

/** A line that was longer than the bound: its beginning, and how long it was. */
export interface OversizedLine {
  readonly prefix: string;
  readonly bytes: number;
}

/** A line as text, or what is known of one that was too long. */
export type DecodedLine = string | OversizedLine;

/** Options of `LineDecoder`. */
export interface LineDecoderOptions {
  /** Longer lines are not kept. Default 16 MiB; the longest seen from a real CLI had 409 KB. */
  readonly maxLineBytes?: number;
  /** Applied to all decoded text. It is asked once per chunk whether it has anything to remove there. */
  readonly redactor?: LineRedactor;
}

type LineRedactor = Pick<Redactor, "concerns" | "redact">;

const noRedactor: LineRedactor = { concerns: () => false, redact: (text) => text };
const lineFeed = 10;
/** Pieces of a line below this size are put together as they come: an agent may print byte by byte. */
const smallPiece = 64 * 1024;
/** How much is kept of a line that is too long, and how much more while it is redacted: a secret may cross the cut. */
const prefixLength = 2048;
const prefixMargin = 8192;

/**
 * Turns bytes into lines, in linear time and bounded memory, wherever the bytes are cut. Lines end with `\n` or
 * `\r\n`; empty ones are left out. Bytes which are not UTF-8 become U+FFFD.
 *
 * A chunk of plain ASCII is decoded at once and split afterwards, which costs a fifth less than line by line.
 */
export class LineDecoder {
  readonly #maxLineBytes: number;
  readonly #prefixBytes: number;
  readonly #redactor: LineRedactor;
  /** The unfinished line. Pieces are joined only once its end has come, so that a long line is not copied over and over. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Set while the rest of a line that is too long is being skipped. */
  #skipped: { readonly prefix: string; bytes: number } | undefined;

  constructor(options: LineDecoderOptions = {}) {
    this.#maxLineBytes = options.maxLineBytes ?? 16 * 1024 * 1024;
    // Never more than was surely there when the bound was crossed: the prefix may not depend on where bytes are cut.
    this.#prefixBytes = Math.min(prefixLength + prefixMargin, this.#maxLineBytes);
    this.#redactor = options.redactor ?? noRedactor;
  }

  /** The lines that are complete with this chunk. The chunk may be kept until its last line is complete. */
  push(chunk: Uint8Array): DecodedLine[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const lines: DecodedLine[] = [];
    const first = bytes.indexOf(lineFeed);
    if (first === -1) {
      this.#hold(bytes);
      return lines;
    }
    this.#finish(bytes.subarray(0, first), lines);
    const last = bytes.lastIndexOf(lineFeed);
    if (last > first) this.#split(bytes.subarray(first + 1, last), lines);
    if (last + 1 < bytes.length) this.#hold(bytes.subarray(last + 1));
    return lines;
  }

  /** The last line, where the output ended without a line feed. */
  end(): DecodedLine[] {
    const lines: DecodedLine[] = [];
    this.#finish(Buffer.alloc(0), lines);
    return lines;
  }

  #hold(bytes: Buffer): void {
    if (this.#skipped !== undefined) {
      this.#skipped.bytes += bytes.length;
      return;
    }
    if (bytes.length > 0) this.#keep(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes <= this.#maxLineBytes) return;
    this.#skipped = { prefix: prefixOf(this.#pending, this.#prefixBytes), bytes: this.#pendingBytes };
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** Joins small pieces as a binary counter carries, so that neither copies nor pieces grow faster than the line. */
  #keep(bytes: Buffer): void {
    let piece = bytes;
    for (let last = this.#pending.at(-1); last !== undefined; last = this.#pending.at(-1)) {
      if (last.length > piece.length || last.length + piece.length > smallPiece) break;
      this.#pending.pop();
      piece = Buffer.concat([last, piece]);
    }
    this.#pending.push(piece);
  }

  #finish(rest: Buffer, lines: DecodedLine[]): void {
    this.#hold(rest);
    if (this.#skipped !== undefined) {
      const prefix = firstCharacters(this.#redactor.redact(this.#skipped.prefix), prefixLength);
      lines.push({ prefix, bytes: this.#skipped.bytes });
      this.#skipped = undefined;
      return;
    }
    const [only] = this.#pending;
    const line = this.#pending.length === 1 && only !== undefined ? only : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    pushLine(this.#redactor.redact(line.toString("utf8")), lines);
  }

  /** Splits whole lines, none of which is longer than the chunk itself. */
  #split(bytes: Buffer, lines: DecodedLine[]): void {
    if (bytes.length > this.#maxLineBytes) {
      for (let start = 0; start <= bytes.length;) {
        const found = bytes.indexOf(lineFeed, start);
        const end = found === -1 ? bytes.length : found;
        this.#finish(bytes.subarray(start, end), lines);
        start = end + 1;
      }
      return;
    }
    const redactor = this.#redactor.concerns(bytes) ? this.#redactor : noRedactor;
    if (!isAscii(bytes)) {
      splitText(bytes, redactor, lines);
      return;
    }
    const text = redactor.redact(bytes.toString("latin1"));
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      pushLine(text.slice(start, end), lines);
      start = end + 1;
    }
    pushLine(text.slice(start), lines);
  }
}

/** One character that is not Latin would make a whole chunk's text twice as large, and slow to parse. */
function splitText(bytes: Buffer, redactor: LineRedactor, lines: DecodedLine[]): void {
  for (let start = 0; start <= bytes.length;) {
    const found = bytes.indexOf(lineFeed, start);
    const end = found === -1 ? bytes.length : found;
    pushLine(redactor.redact(bytes.toString("utf8", start, end)), lines);
    start = end + 1;
  }
}

function pushLine(line: string, lines: DecodedLine[]): void {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  if (text !== "") lines.push(text);
}

/** Cut so that no half of a surrogate pair stays. */
function firstCharacters(text: string, count: number): string {
  return text.slice(0, count).replace(/[\ud800-\udbff]$/, "");
}

function prefixOf(pieces: readonly Buffer[], limit: number): string {
  const kept: Buffer[] = [];
  let length = 0;
  for (const piece of pieces) {
    kept.push(piece.subarray(0, limit - length));
    length += piece.length;
    if (length >= limit) break;
  }
  // The cut may fall into a character: an incomplete one at the end is left out, not shown as damaged.
  return new TextDecoder().decode(Buffer.concat(kept), { stream: true });
}
