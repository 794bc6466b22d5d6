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
