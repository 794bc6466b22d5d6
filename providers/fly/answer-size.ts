const usualBytes = 256 * 1024;
const mostBytes = 2 * 2 ** 20;
const leastBytes = 32 * 1024;

/**
 * How much output is asked for at once. The service takes few requests, and says nowhere how long an answer may be: so
 * it grows with every answer that came as long as it was asked for, and shrinks for good with one that did not come.
 */
export class AnswerSize {
  #bytes = usualBytes;
  #mostBytes = mostBytes;

  get bytes(): number {
    return this.#bytes;
  }

  came(answer: string): void {
    const isCut = answer.length > leastBytes && !answer.endsWith("\n");
    // Base64 makes four bytes of three, and there are some more.
    if (isCut) this.#shrinkTo(answer.length * 0.7);
    else if (answer.length > this.#bytes) this.#bytes = Math.min(this.#mostBytes, this.#bytes * 2);
  }

  failed(): void {
    // Small ones fail for other reasons.
    if (this.#bytes > usualBytes) this.#shrinkTo(this.#bytes / 2);
  }

  #shrinkTo(bytes: number): void {
    this.#mostBytes = Math.max(leastBytes, Math.floor(Math.min(bytes, this.#bytes / 2)));
    this.#bytes = this.#mostBytes;
  }
}
