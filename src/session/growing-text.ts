/** Pieces are joined so many at a time. */
const joinCount = 1024;

/**
 * A text that grows by small pieces. A string that is added to a million times keeps each piece and a link to it in
 * memory; here they are gone once they are joined.
 */
export class GrowingText {
  #head = "";
  #pieces: string[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(piece: string): void {
    this.#length += piece.length;
    if (this.#pieces.push(piece) === joinCount) this.#join();
  }

  /** Whether `text` begins with it, which is found without joining the pieces. */
  isStartOf(text: string): boolean {
    if (this.#length > text.length || !text.startsWith(this.#head)) return false;
    let at = this.#head.length;
    for (const piece of this.#pieces) {
      if (!text.startsWith(piece, at)) return false;
      at += piece.length;
    }
    return true;
  }

  /** Puts in its place a text that is known to be the same: one string then serves both. */
  become(text: string): void {
    this.#head = text;
    this.#pieces = [];
    this.#length = text.length;
  }

  toString(): string {
    this.#join();
    return this.#head;
  }

  #join(): void {
    if (this.#pieces.length === 0) return;
    this.#head += this.#pieces.join("");
    this.#pieces = [];
  }
}
